//! Model-specific registers that belong to the guest: segment bases and the auxiliary TSC value.
//!
//! They are the guest's without exits, so the hypervisor must have its own values back on each
//! exit and the guest's on each entry, and SWAPGS must work.
//! Expected: what was written, through exits; a load through FS goes to its base. EFER reads as on
//! Xen, IA32_MISC_ENABLE and the microcode's revision tell nothing of the host, and Xen's register
//! fills a hypercall page.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use scenarios::exits;
use xenolith_guest::{
    StartInfo, check, check_eq,
    hypercall::page,
    probe::{Window, instruction, memory, msr},
    scenario::Checks,
};

xenolith_guest::scenario!(run);

const FS_BASE: u32 = 0xc000_0100;
const GS_BASE: u32 = 0xc000_0101;
const KERNEL_GS_BASE: u32 = 0xc000_0102;
const EFER: u32 = 0xc000_0080;
const BIOS_SIGN_ID: u32 = 0x8b;
const MISC_ENABLE: u32 = 0x1a0;
/// Xen's own register: writing an address fills a hypercall page there.
const HYPERCALL_PAGE: u32 = 0x4000_0000;

fn run(checks: &mut Checks, start: &'static StartInfo) {
    for number in [FS_BASE, GS_BASE, KERNEL_GS_BASE] {
        check_eq!(checks, msr::read(number), 0, "{number:#x} at the start");
    }
    for (number, value) in [
        (FS_BASE, 0x1234_5678_9abc),
        (GS_BASE, 0xffff_ffff_8765_4321),
        (KERNEL_GS_BASE, 0xffff_8888_0000_0008),
    ] {
        msr::write(number, value);
        for (name, exit) in exits::ALL {
            exit();
            check_eq!(checks, msr::read(number), value, "{number:#x} after {name}");
        }
    }
    let (outer, inner) = (msr::read(GS_BASE), msr::read(KERNEL_GS_BASE));
    instruction::swapgs();
    exits::take_all();
    let swapped = (msr::read(KERNEL_GS_BASE), msr::read(GS_BASE));
    check_eq!(checks, swapped, (outer, inner), "bases after SWAPGS");

    let mut window = Window::take(start);
    window.write(64, &0x0123_4567_89ab_cdef_u64.to_le_bytes());
    msr::write(FS_BASE, window.address(0).as_u64());
    check_eq!(checks, instruction::load_fs(64), 0x0123_4567_89ab_cdef, "load through FS");
    check_eq!(checks, msr::read(EFER), 0xd01, "EFER");
    check_eq!(checks, msr::read(MISC_ENABLE), 0x80_1801, "fast strings and nothing else");
    msr::write(BIOS_SIGN_ID, 0);
    check_eq!(checks, msr::read(BIOS_SIGN_ID), 0, "the revision of the microcode");
    msr::write(HYPERCALL_PAGE, window.own_frame(1).as_u64());
    let same = (0..512).all(|word| {
        let stub_word = memory::read_u64(page::address() + word as u64 * 8);
        window.u64(4096 + word * 8) == stub_word
    });
    check!(checks, same, "the filled page is not a hypercall page");
    check_eq!(checks, window.u64(2 * 4096), 0, "first word behind the filled page");
}
