//! A kernel that panics: its message and place reach the console, and the domain ends as crashed.
//!
//! The message is printed while nothing can be relied on any more; it could be lost, or the panic
//! could hang on the lock of the console.
//! Expected: message and place on the console, end `crash`, no verdict.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use xenolith_guest::{StartInfo, print};

xenolith_guest::entry!(main);

/// Panics when it is shown: in the middle of a print, with the console's lock held.
struct Tripwire;

impl core::fmt::Display for Tripwire {
    fn fmt(&self, _: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        panic!("tripwire {}", 6 * 7)
    }
}

fn main(_: &'static StartInfo) -> ! {
    print!("one step further: {Tripwire}");
    panic!("the panic did not end the kernel")
}
