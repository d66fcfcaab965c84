use super::*;

pub(super) const VIEW: View = View {
    vcpu: 0,
    osxsave: true,
    xcr0: 1,
    rdtscp: true,
    xsavec: false,
    tsc_khz: 2_000_000,
    max_gfn: 0x8200,
};

/// A CPU that says yes to everything.
fn everything(_: u32, _: u32) -> Registers {
    [u32::MAX; 4]
}

#[test]
fn what_the_hypervisor_keeps_is_hidden() {
    let [_, ebx, ecx, edx] = filter(1, 0, &VIEW, everything);
    for (name, bit) in [
        ("DTES64", 2),
        ("MONITOR", 3),
        ("VMX", 5),
        ("SMX", 6),
        ("EIST", 7),
        ("PDCM", 15),
        ("PCID", 17),
        ("x2APIC", 21),
        ("TSC deadline", 24),
    ] {
        assert_eq!(ecx >> bit & 1, 0, "{name}");
    }
    assert_eq!(ecx >> 31, 1, "there is a hypervisor");
    for (name, bit) in [("PSE", 3), ("MCE", 7), ("APIC", 9), ("MTRR", 12), ("PGE", 13), ("PAT", 16)]
    {
        assert_eq!(edx >> bit & 1, 0, "{name}");
    }
    assert_eq!(ebx, 0x0001_ff00, "APIC ID 0, one logical CPU");
    let [_, ebx, ecx, edx] = filter(7, 0, &VIEW, everything);
    assert_eq!(ebx >> 10 & 1, 0, "INVPCID");
    assert_eq!(ecx & (1 << 2 | 1 << 3 | 1 << 4 | 1 << 7 | 1 << 31), 0, "UMIP PKU OSPKE CET PKS");
    assert_eq!(edx & (1 << 20 | 1 << 26), 0, "IBT, speculation control");
}

#[test]
fn what_a_domain_needs_is_shown() {
    let [_, _, ecx, edx] = filter(1, 0, &VIEW, everything);
    assert_eq!(ecx >> 26 & 3, 3, "XSAVE and OSXSAVE");
    assert_eq!(edx & (1 << 6 | 1 << 8 | 1 << 26), 1 << 6 | 1 << 8 | 1 << 26, "PAE, CX8, SSE2");
    assert_eq!(
        filter(0x8000_0001, 0, &VIEW, everything)[3],
        1 << 29 | 1 << 27 | 1 << 26 | 1 << 20 | 1 << 11
    );
    let without = View { rdtscp: false, osxsave: false, ..VIEW };
    assert_eq!(filter(0x8000_0001, 0, &without, everything)[3] >> 27 & 1, 0);
    assert_eq!(filter(1, 0, &without, everything)[2] >> 27 & 1, 0);
}

#[test]
fn a_feature_that_the_cpu_lacks_stays_missing() {
    let nothing = |_, _| [0; 4];
    assert_eq!(filter(1, 0, &View { osxsave: false, ..VIEW }, nothing)[2], HYPERVISOR);
    assert_eq!(filter(7, 0, &VIEW, nothing), [0; 4]);
}

#[test]
fn unnamed_leaves_are_empty() {
    for leaf in [
        3,
        5,
        6,
        8,
        9,
        0xa,
        0xc,
        0xe,
        0xf,
        0x10,
        0x12,
        0x14,
        0x17,
        0x1f,
        0x20,
        0x8000_000a,
        u32::MAX,
    ] {
        assert_eq!(filter(leaf, 0, &VIEW, everything), [0; 4], "{leaf:#x}");
    }
    assert_eq!(filter(0, 0, &VIEW, everything)[0], MAX_BASIC);
    assert_eq!(filter(0x8000_0000, 0, &VIEW, everything)[0], MAX_EXTENDED);
}

#[test]
fn hypervisor_leaves() {
    let text = |r: Registers| -> Vec<u8> { r[1..].iter().flat_map(|w| w.to_le_bytes()).collect() };
    let base = filter(0x4000_0000, 0, &VIEW, everything);
    assert_eq!((base[0], text(base)), (0x4000_0005, b"XenVMMXenVMM".to_vec()));
    assert_eq!(filter(0x4000_0001, 0, &VIEW, everything), [0x4_0011, 0, 0, 0]);
    assert_eq!(filter(0x4000_0002, 0, &VIEW, everything), [1, 0x4000_0000, 1, 0]);
    assert_eq!(filter(0x4000_0003, 2, &VIEW, everything), [2_000_000, 0, 0, 0]);
    assert_eq!(filter(0x4000_0005, 0, &VIEW, everything), [0, 28, 0, 0]);
    let ours = filter(0x4000_0100, 0, &VIEW, everything);
    assert_eq!((ours[0], text(ours)), (0x4000_0101, b"XenolithXeno".to_vec()));
    assert_eq!(filter(0x4000_0101, 0, &VIEW, everything), [3, 55, 80, 64]);
    assert_eq!(filter(0x4000_0200, 0, &VIEW, everything), [0; 4]);
}

#[test]
fn frequencies_are_those_that_were_measured() {
    let cpu = |_, _| [1300, 3900, 100, 9];
    assert_eq!(filter(0x16, 0, &VIEW, cpu), [2000, 2000, 0, 0]);
    assert_eq!(filter(0x16, 0, &View { tsc_khz: 0, ..VIEW }, cpu), [1300, 3900, 100, 0]);
    assert_eq!(filter(0x15, 0, &VIEW, everything), [0; 4], "what the CPU says may differ");
}

#[test]
fn topology_is_one_cpu() {
    let second = View { vcpu: 1, ..VIEW };
    assert_eq!(filter(0xb, 0, &second, everything), [0, 1, 0x100, 1]);
    assert_eq!(filter(0xb, 1, &second, everything), [0, 1, 0x201, 1]);
    assert_eq!(filter(0xb, 2, &second, everything), [0, 0, 2, 1]);
}
