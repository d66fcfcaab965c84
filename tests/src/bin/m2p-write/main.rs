//! A store to the machine-to-physical table, which a guest may read only.
//!
//! The table is shared knowledge that the hypervisor relies on being what it wrote.
//! Expected: a page fault, which is the domain's crash; no verdict.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use xenolith_guest::{StartInfo, hypercall::memory, println, probe, x86_64::VirtAddr};

xenolith_guest::entry!(main);

fn main(_: &'static StartInfo) -> ! {
    let table = memory::machphys_mapping().map_or(0, |mapping| mapping.v_start);
    let entry = VirtAddr::new(table + 8 * 0x105);
    println!("entry 0x105 holds {:#x}", probe::memory::read_u64(entry));
    probe::memory::write_u64(entry, 0);
    panic!("the table was written")
}
