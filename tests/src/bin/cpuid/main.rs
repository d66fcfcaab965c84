//! CPUID as a guest sees it: no VMX, Xen's leaves, our own leaf.
//!
//! Kernels choose their drivers by it. What the hypervisor does not virtualise must not show, and
//! what it needs the kernel to know must.
//! Expected: Xen's signature and version, ours with the extension's number, hidden features absent.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use xenolith_guest::{
    StartInfo,
    abi::{cpuid as xen, xenolith},
    check, check_eq,
    probe::{control, cpuid},
    scenario::Checks,
};

xenolith_guest::scenario!(run);

const CR4_OSXSAVE: u64 = 1 << 18;

/// Bits that must be clear: leaf, register (`'b'`, `'c'` or `'d'`), bit, name.
const HIDDEN: &[(u32, char, u32, &str)] = &[
    (1, 'c', 3, "MONITOR"),
    (1, 'c', 5, "VMX"),
    (1, 'c', 6, "SMX"),
    (1, 'c', 17, "PCID"),
    (1, 'c', 21, "x2APIC"),
    (7, 'b', 10, "INVPCID"),
    (7, 'c', 3, "PKU"),
    (7, 'c', 7, "CET_SS"),
    (0x8000_0001, 'c', 2, "SVM"),
];

fn run(checks: &mut Checks, _: &'static StartInfo) {
    for &(leaf, register, bit, name) in HIDDEN {
        let found = cpuid::read(leaf, 0);
        let word = match register {
            'b' => found.ebx,
            'c' => found.ecx,
            _ => found.edx,
        };
        check_eq!(checks, word >> bit & 1, 0, "{name} shows");
    }
    let basic = cpuid::read(1, 0);
    check_eq!(checks, basic.ecx >> 31 & 1, 1, "hypervisor bit");
    let enabled = control::cr4() & CR4_OSXSAVE != 0;
    check_eq!(checks, basic.ecx >> 27 & 1 == 1, enabled, "OSXSAVE against CR4");
    check!(checks, enabled, "OSXSAVE is not enabled from the start");
    check!(checks, basic.ecx >> 26 & 1 == 1, "XSAVE is hidden");
    check_hypervisor_leaves(checks);
}

fn check_hypervisor_leaves(checks: &mut Checks) {
    let base = cpuid::read(xen::FIRST_LEAF, 0);
    check_eq!(checks, base.signature(), *b"XenVMMXenVMM");
    let highest = xen::FIRST_LEAF + xen::MAX_NUM_LEAVES;
    check!(
        checks,
        (xen::FIRST_LEAF + 2..=highest).contains(&base.eax),
        "last leaf {:#x}",
        base.eax
    );
    check_eq!(checks, cpuid::read(xen::VERSION_LEAF, 0).eax, 0x4_0011, "version");

    let own = cpuid::read(xenolith::CPUID_BASE, 0);
    check_eq!(checks, own.signature(), xenolith::CPUID_SIGNATURE);
    check_eq!(checks, own.eax, xenolith::CPUID_MAX, "last own leaf");
    let features = cpuid::read(xenolith::CPUID_FEATURES, 0);
    check_eq!(checks, features.eax, xenolith::EXTENSION_VERSION, "extension version");
    check_eq!(checks, features.ebx, xenolith::OP, "hypercall of the extensions");
    check_eq!(checks, features.ecx as usize, xenolith::EXIT_REASON_SLOTS, "exit counters");
    let neither = cpuid::read(0x4000_0200, 0);
    check!(checks, neither.signature() != *b"XenVMMXenVMM", "a third range of leaves");
}
