//! A kernel without a single note: an ELF file that was not made for this interface.
//!
//! Expected: a boot error that says so; the kernel never runs.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use xenolith_guest::{StartInfo, println};

xenolith_guest::entry!(main, notes = []);

fn main(_: &'static StartInfo) -> ! {
    println!("the kernel runs");
    panic!("a kernel without notes was started")
}
