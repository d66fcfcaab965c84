//! A kernel image made for an interface that is long gone.
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
        loader = "generic",
        xen_version = "xen-2.0"
    ]
);

fn main(_: &'static StartInfo) -> ! {
    println!("the kernel runs");
    panic!("a kernel with wrong notes was started")
}
