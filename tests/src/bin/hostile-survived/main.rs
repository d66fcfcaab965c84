//! Exits from states that a kernel never has, which are allowed all the same.
//!
//! The hypervisor saves and restores what it finds around an exit: pending debug exceptions and
//! blocked interrupts that do not fit together make the CPU refuse the next entry, a stack pointer
//! or a flag that leaks into the hypervisor is its own fault there.
//! Expected: the guest goes on.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use xenolith_guest::{
    StartInfo, check, check_eq, println,
    probe::{attack, cpuid, port},
    scenario::Checks,
};

xenolith_guest::scenario!(run);

/// Where leaves start that CPUs and hypervisors have.
const LEAVES: [u32; 6] = [0, 0x2000_0000, 0x4000_0000, 0x4000_0100, 0x8000_0000, 0xffff_ffc0];

fn run(checks: &mut Checks, _: &'static StartInfo) {
    for (name, attack) in [
        ("exits behind MOV to SS", attack::exits_behind_mov_ss as fn()),
        ("exits behind STI", attack::exits_behind_sti),
        ("exits without a stack", attack::exits_without_stack),
        ("exits with odd flags", attack::exits_with_odd_flags),
    ] {
        println!("{name}");
        attack();
        check!(checks, true, "{name}");
    }
    for leaf in LEAVES.iter().flat_map(|&first| first..=first + 0x3f) {
        for subleaf in (0..=64).chain([0xff, 0x8000_0000, u32::MAX]) {
            cpuid::read(leaf, subleaf);
        }
    }
    check!(checks, true, "CPUID");
    for number in [0xfffd, 0xfffe, 0xffff] {
        check_eq!(checks, port::read::<u32>(number), u32::MAX, "4 bytes from port {number:#x}");
        port::write::<u32>(number, 0);
    }
}
