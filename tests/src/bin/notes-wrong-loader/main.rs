//! A kernel image that wants a loader of its own.
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
        hypercall_page,
        virt_base,
        paddr_offset,
        xen_version = "xen-3.0",
        loader = "special"
    ]
);

fn main(_: &'static StartInfo) -> ! {
    println!("the kernel runs");
    panic!("a kernel with wrong notes was started")
}
