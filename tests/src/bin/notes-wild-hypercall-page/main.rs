//! A kernel image whose hypercall page lies outside of it.
//!
//! Expected: a boot error that names the note; the kernel never runs.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use xenolith_guest::{StartInfo, println};

xenolith_guest::entry!(
    main,
    notes = [
        entry,
        virt_base,
        paddr_offset,
        xen_version = "xen-3.0",
        loader = "generic",
        wild_hypercall_page = 0xffff_ffff_c000_0000
    ]
);

fn main(_: &'static StartInfo) -> ! {
    println!("the kernel runs");
    panic!("a kernel with wrong notes was started")
}
