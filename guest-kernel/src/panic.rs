//! The end of a kernel that cannot go on: a message, and the run ended as crashed.

use core::{
    panic::PanicInfo,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use crate::{backtrace, console::print_unlocked, hypercall::sched::ShutdownReason, platform};

/// Set by the first panic, so that one while printing it ends the run in silence.
static PANICKING: AtomicBool = AtomicBool::new(false);

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    if !PANICKING.swap(true, Relaxed) {
        // The lock of the console may be held by whoever panicked.
        print_unlocked(format_args!("\n{info}\n"));
        backtrace::print();
    }
    platform::shutdown(ShutdownReason::CRASH)
}
