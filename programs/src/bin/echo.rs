//! Prints its arguments.
#![no_std]
#![no_main]

use xenolith_programs::{calls::write, numbers::OUTPUT, program};

program!(main);

fn main(arguments: &'static [u8]) -> u8 {
    let written = write(OUTPUT, arguments).and_then(|_| write(OUTPUT, b"\n"));
    u8::from(written.is_err())
}
