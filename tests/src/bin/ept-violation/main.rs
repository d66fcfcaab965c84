//! Accesses to guest-physical memory that the domain does not have: `access=` on the command line.
//!
//! The page tables are the guest's own, so it can name any frame: the next domain's, the
//! hypervisor's, a device's. Only EPT stands in between.
//! Expected: end `crash` with the kind of exit in the log, no verdict; never a hypervisor panic.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use xenolith_guest::{
    StartInfo, command_line,
    paging::Level,
    println,
    probe::{Window, control, memory, tables},
    static_pages::PAGE_BYTES,
    x86_64::{PhysAddr, VirtAddr},
};

xenolith_guest::entry!(main);

/// An address without a last-level table of its own, in the table that maps the kernel's GiB.
const FAR: VirtAddr = VirtAddr::new(0xffff_ffff_bfe0_0000);

type Access = fn(&mut Window, PhysAddr);

const ACCESSES: &[(&str, Access)] = &[
    ("read", |window, beyond| {
        window.map(0, beyond, Window::DATA);
        println!("read {:#x}", window.u64(0));
    }),
    ("write", |window, beyond| {
        window.map(0, beyond, Window::DATA);
        window.write(0, b"!");
    }),
    ("fetch", |window, beyond| {
        window.map(0, beyond, Window::DATA);
        memory::call(window.address(0));
    }),
    ("table", |window, beyond| {
        let entry = beyond.as_u64() | Window::DATA.bits();
        let _ = tables::replace_entry(window.space(), FAR, Level::Two, entry);
        println!("read {:#x}", memory::read_u64(FAR));
    }),
    ("cr3", |_, beyond| control::write_cr3(beyond.as_u64())),
    ("local-apic", |window, _| {
        window.map(0, PhysAddr::new(0xfee0_0000), Window::DATA);
        println!("read {:#x}", window.u64(0x20));
    }),
    ("far-away", |window, _| {
        window.map(0, PhysAddr::new(0x0f_ffff_f000), Window::DATA);
        println!("read {:#x}", window.u64(0));
    }),
];

fn main(start: &'static StartInfo) -> ! {
    let wanted = command_line::value(start.command_line(), "access");
    let Some((name, access)) = ACCESSES.iter().find(|(name, _)| Some(*name) == wanted) else {
        panic!("no such access: {wanted:?}")
    };
    println!("access: {name}");
    let beyond = PhysAddr::new((start.pages() + 0x1000) * PAGE_BYTES as u64);
    access(&mut Window::take(start), beyond);
    panic!("the access went through")
}
