//! What no Xen header says, checked against what the headers do say, and structures read as bytes.
//!
//! Everything else in the package is compared with the real headers by `cargo xtask abi`.
#![forbid(unsafe_code)]

use xenolith_abi::event_channel::{STATUS_INTERDOMAIN, Status, StatusInterdomain};
use xenolith_abi::memory::{E820_RAM, E820Entry};
use xenolith_abi::{cpuid, guest_layout, hypercall, segment, start_info, xenolith};
use zerocopy::{FromBytes, FromZeros, IntoBytes};

#[test]
fn the_hypervisor_has_the_top_level_slots_of_its_addresses() {
    let slot = |address: u64| usize::try_from(address >> 39 & 0x1ff).unwrap();
    assert_eq!(guest_layout::HYPERVISOR_L4_FIRST, slot(guest_layout::HYPERVISOR_VIRT_START));
    assert_eq!(guest_layout::HYPERVISOR_L4_END, slot(guest_layout::HYPERVISOR_VIRT_END));
}

#[test]
fn the_stubs_fill_a_page_and_reach_our_hypercall() {
    assert_eq!(hypercall::PAGE_STUBS * hypercall::PAGE_STUB_BYTES, 4096);
    assert!(usize::try_from(xenolith::OP).unwrap() < hypercall::PAGE_STUBS);
    assert_eq!(xenolith::OP, hypercall::ARCH_7);
}

#[test]
fn the_kernel_has_ring_0_selectors_beside_those_of_xen() {
    let kernel = [xenolith::KERNEL_CS, xenolith::KERNEL_SS];
    let of_xen = [segment::FLAT_RING3_CS32, segment::FLAT_RING3_CS64, segment::FLAT_RING3_SS64];
    for selector in kernel.iter().chain(&of_xen) {
        let offset = u32::from(selector & !7);
        assert!(offset >= segment::FIRST_RESERVED_GDT_BYTE, "{selector:#x}");
        assert!(offset < segment::FIRST_RESERVED_GDT_BYTE + 4096, "{selector:#x}");
    }
    // Table and privilege level: the global table, ring 0 and ring 3.
    assert_eq!(kernel.map(|selector| selector & 7), [0; 2]);
    assert_eq!(of_xen.map(|selector| selector & 7), [3; 3]);
    // Where `syscall` finds its stack selector.
    assert_eq!(xenolith::KERNEL_SS, xenolith::KERNEL_CS + 8);
}

#[test]
fn our_leaves_stand_behind_those_of_xen_and_sign_differently() {
    assert_eq!(xenolith::CPUID_BASE, cpuid::FIRST_LEAF + 0x100);
    assert_eq!(xenolith::CPUID_MAX, xenolith::CPUID_FEATURES);
    assert_ne!(xenolith::CPUID_SIGNATURE, *b"XenVMMXenVMM");
}

#[test]
fn the_signature_words_spell_xen() {
    let words = [cpuid::SIGNATURE_EBX, cpuid::SIGNATURE_ECX, cpuid::SIGNATURE_EDX];
    assert_eq!(words.map(u32::to_le_bytes).concat(), b"XenVMMXenVMM");
}

#[test]
fn the_magic_fits_with_its_nul() {
    assert!(start_info::MAGIC.len() < start_info::StartInfo::new_zeroed().magic.len());
    assert!(start_info::MAGIC.is_ascii());
}

#[test]
fn a_memory_map_is_read_from_packed_records_at_any_address() {
    let mut bytes = vec![0xff];
    for (start, length) in [(0_u64, 0x9_f000_u64), (0x10_0000, 0x700_0000)] {
        bytes.extend(start.to_le_bytes());
        bytes.extend(length.to_le_bytes());
        bytes.extend(E820_RAM.to_le_bytes());
    }
    let map = <[E820Entry]>::ref_from_bytes(&bytes[1..]).unwrap();
    assert_eq!(map[0], E820Entry { addr: 0, size: 0x9_f000, type_: 1 });
    assert_eq!(map[1], E820Entry { addr: 0x10_0000, size: 0x700_0000, type_: 1 });
}

#[test]
fn the_detail_of_a_port_is_read_by_its_state() {
    let mut status = Status::new_zeroed();
    status.status = STATUS_INTERDOMAIN;
    status.detail = [7, 42];
    let detail = StatusInterdomain::read_from_bytes(status.detail.as_bytes()).unwrap();
    assert_eq!((detail.dom, detail.port), (7, 42));
}
