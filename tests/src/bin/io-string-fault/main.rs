//! A string read from a port that runs into a page that is not mapped.
//!
//! The hypervisor does the stores for the guest: it must notice the end of memory in the middle of
//! a string, report it as the CPU would, and not take forever for a count of 2^40.
//! Expected: a page fault at the first byte of that page, here the domain's crash.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use xenolith_guest::{
    StartInfo, println,
    probe::{Window, port},
};

xenolith_guest::entry!(main);

fn main(start: &'static StartInfo) -> ! {
    let mut window = Window::take(start);
    window.unmap(2);
    println!("reading");
    port::read_string_u32(0xcfc, window.address(4000), 1 << 40);
    panic!("the string was read")
}
