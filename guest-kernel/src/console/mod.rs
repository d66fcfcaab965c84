//! The kernel's console: `print!`, and input byte by byte.

mod line;
mod output;

pub use line::{Key, LineEditor};
#[doc(hidden)]
pub use output::{print, print_unlocked};

use crate::hypercall::console;

/// Prints to the console, as the macro of the standard library does.
#[macro_export]
macro_rules! print {
    ($($arguments:tt)*) => {
        $crate::console::print(::core::format_args!($($arguments)*))
    };
}

/// Prints to the console, with a line end.
#[macro_export]
macro_rules! println {
    () => { $crate::print!("\n") };
    ($($arguments:tt)*) => {
        $crate::console::print(::core::format_args!("{}\n", ::core::format_args!($($arguments)*)))
    };
}

/// Returns the next byte that was typed, if there is one.
pub fn read_byte() -> Option<u8> {
    let mut byte = [0];
    match console::read(&mut byte) {
        Ok(1) => Some(byte[0]),
        _ => None,
    }
}
