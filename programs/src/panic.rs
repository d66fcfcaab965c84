//! The end of a program that gives up.

use core::panic::PanicInfo;

use crate::{calls, println};

/// The status of a program that has panicked.
const STATUS: u8 = 101;

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    println!("{info}");
    calls::exit(STATUS)
}
