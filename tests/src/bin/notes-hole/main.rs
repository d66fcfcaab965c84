//! A kernel image that wants the addresses of the hypervisor.
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
        virt_base = 0xffff_8000_0000_0000,
        paddr_offset,
        xen_version = "xen-3.0",
        loader = "generic"
    ]
);

fn main(_: &'static StartInfo) -> ! {
    println!("the kernel runs");
    panic!("a kernel with wrong notes was started")
}
