//! The kernel's console: `print!`, and input byte by byte.

mod history;
#[cfg(target_os = "none")]
mod input;
mod line;
#[cfg(target_os = "none")]
mod output;
mod queue;
#[cfg(target_os = "none")]
mod typed;

#[cfg(target_os = "none")]
pub(crate) use input::set_interrupt;
#[cfg(target_os = "none")]
pub use input::{install, read_byte, wait_for_byte};
pub use line::{Key, LineEditor};
#[cfg(target_os = "none")]
#[doc(hidden)]
pub use output::{print, print_unlocked, write};
#[cfg(target_os = "none")]
pub use typed::{Typed, read_line};

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
