//! A kernel without note LOADER, but with GUEST_OS "linux": accepted for history's sake.
//!
//! It also has no ENTRY note (the ELF header tells the entry point), a note of a type that nobody
//! knows, and one of another owner's type number.
//! Expected: it runs.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use xenolith_guest::{StartInfo, check_eq, entry, paging::BOOT_MAP, scenario::Checks};

xenolith_guest::scenario!(
    run,
    notes = [
        hypercall_page,
        virt_base,
        paddr_offset,
        xen_version = "xen-3.0-and-more",
        guest_os = "linux-ish",
        unknown = 0x0123_4567_89ab_cdef,
        features = "telepathy|pae_pgdir_above_4gb",
    ]
);

fn run(checks: &mut Checks, _: &'static StartInfo) {
    check_eq!(checks, entry::image().start, BOOT_MAP + 0x10_0000);
}
