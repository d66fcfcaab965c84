//! A panic of the hypervisor: it says where and why, reports the verdict, and stops the machine.

use crate::{backtrace, console, power};
use core::panic::PanicInfo;

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    // SAFETY: the one CPU that runs is here and will not return to what it interrupted.
    unsafe { console::break_lock() };
    log::error!("hypervisor {info}");
    backtrace::log();
    power::end(power::Verdict::Panic)
}
