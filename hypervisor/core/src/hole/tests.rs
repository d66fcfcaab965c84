use super::contents::INVALID_M2P_ENTRY;
use super::layout::{NO_EXECUTE, PRESENT, WRITABLE};
use super::*;
use crate::address::DomId;
use crate::domain_builder::guest_frames::GuestFrames;
use crate::page_map::LARGE;
use crate::resident::{CALLS, Header, VcpuData};
use core::mem::offset_of;
use std::collections::BTreeMap;
use xenolith_abi::segment::FLAT_RING3_CS64;
use xenolith_abi::xenolith::{KERNEL_CS, KERNEL_SS};

/// Words by address.
#[derive(Default)]
struct Words(BTreeMap<u64, u64>);

impl GuestFrames for Words {
    fn write_bytes(&mut self, start: Gpa, bytes: &[u8]) {
        self.0.insert(start.0, to_u64(bytes.len()));
    }

    fn zero(&mut self, _: Gpa, _: u64) {
        unreachable!("the hole's frames are zero");
    }

    fn write_words(&mut self, start: Gpa, count: u64, mut word: impl FnMut(u64) -> u64) {
        for i in 0..count {
            assert!(self.0.insert(start.0 + 8 * i, word(i)).is_none(), "written twice");
        }
    }
}

impl Words {
    /// Walks from the top-level entry of `address`; returns frame address and the AND of flags.
    fn walk(&self, hole: &Hole, address: u64) -> Option<(u64, u64)> {
        let index = usize::try_from(address >> 39 & 511).unwrap() - HYPERVISOR_L4_FIRST;
        let mut entry = hole.entries()[index];
        let mut flags = entry;
        for level in (1..=3).rev() {
            if entry & PRESENT == 0 {
                return None;
            }
            let shift = 12 + 9 * (level - 1);
            let slot = (entry & 0x000f_ffff_ffff_f000) + 8 * (address >> shift & 511);
            entry = self.0.get(&slot).copied().unwrap_or(0);
            flags = (flags & entry) | ((flags | entry) & NO_EXECUTE);
            if level == 1 || entry & LARGE != 0 {
                let within = (1 << shift) - 1;
                let at = (entry & 0x000f_ffff_ffff_f000 & !within) | (address & within);
                return (entry & PRESENT != 0).then_some((at, flags));
            }
        }
        None
    }
}

fn written(memory_pages: u64) -> (Hole, Words) {
    let hole = Hole::new(memory_pages);
    let mut words = Words::default();
    hole.write(&mut words, &[0x90; 100], &Header::example(), Gva(0xffff_8000_dead_beef), DomId(1));
    (hole, words)
}

#[test]
fn m2p_is_the_identity_and_read_only() {
    for memory_pages in [256, 511, 512, 513, 16384, 262_144] {
        let (hole, words) = written(memory_pages);
        for gfn in [0, 1, memory_pages - 1, memory_pages, hole.max_gfn() - 1] {
            let (at, flags) = words.walk(&hole, HYPERVISOR_VIRT_START + 8 * gfn).unwrap();
            let want = if gfn < memory_pages { gfn } else { INVALID_M2P_ENTRY };
            assert_eq!(words.0[&at], want, "frame {gfn} of {memory_pages}");
            assert_eq!(flags & (WRITABLE | 4), 0, "neither writable nor the user's");
        }
    }
}

#[test]
fn ranges_are_disjoint_and_above_memory() {
    for memory_pages in [1, 512, 12345, 1 << 24] {
        let hole = Hole::new(memory_pages);
        let mut end = memory_pages * PAGE_SIZE;
        for range in hole.ranges() {
            assert!(range.start.0 >= end && range.start.is_aligned(PAGE_SIZE));
            end = range.start.0 + range.bytes;
        }
        assert!(hole.m2p_bytes() / LARGE_PAGE <= 512, "one table of level 2 is enough");
    }
}

#[test]
fn everything_written_lies_in_the_ranges() {
    let (hole, words) = written(1000);
    for at in words.0.keys() {
        assert!(hole.ranges().iter().any(|r| (r.start.0..r.start.0 + r.bytes).contains(at)));
    }
}

#[test]
fn descriptors_are_where_selectors_point() {
    let (hole, words) = written(4096);
    let descriptor = |selector: u16| {
        let (at, _) = words.walk(&hole, hole.group().0 + u64::from(selector & !7)).unwrap();
        words.0[&at]
    };
    assert_eq!(hole.group(), Gva(0xffff_8100_0000_0000));
    assert_eq!(descriptor(KERNEL_CS) >> 40 & 0xff, 0x9b, "present, ring 0, code, accessed");
    assert_eq!(descriptor(KERNEL_SS) >> 40 & 0xff, 0x93);
    assert_eq!(descriptor(FLAT_RING3_CS64) >> 40 & 0xff, 0xfb);
    assert_eq!(descriptor(FLAT_RING3_CS64) >> 53 & 1, 1, "64-bit");
    assert_eq!(descriptor(TASK_SELECTOR) >> 40 & 0xff, 0x8b, "busy TSS");
    assert_eq!(descriptor(TASK_SELECTOR + 8), hole.task().0 >> 32);
    let first = words.walk(&hole, hole.group().0).unwrap().0;
    assert!(!words.0.contains_key(&first), "the guest's own pages are empty");
}

#[test]
fn writable_frames_are_not_executable_and_code_is_not_writable() {
    let (hole, words) = written(4096);
    let at = |offset| words.walk(&hole, hole.group().0 + offset);
    let (data, flags) = at(resident::DATA).unwrap();
    assert_eq!((data, flags & WRITABLE, flags & NO_EXECUTE), (hole.data().0, WRITABLE, NO_EXECUTE));
    let (text, flags) = at(resident::TEXT).unwrap();
    assert_eq!((words.0[&text], flags & (WRITABLE | NO_EXECUTE)), (100, 0));
    for read_only in [resident::DESCRIPTORS, resident::IDT, resident::TRAPS] {
        assert_eq!(at(read_only).unwrap().1 & WRITABLE, 0, "{read_only:#x}");
    }
    assert_eq!(at(resident::PORTS + resident::PORT_BYTES), None);
    for range in hole.ranges() {
        let writable = range.access == HoleAccess::ReadWrite;
        assert_eq!(
            writable,
            [hole.shared_info(), hole.data(), hole.grants()].contains(&range.start)
        );
    }
}

#[test]
fn records_of_ports_are_where_root_writes_them() {
    let (hole, words) = written(4096);
    let ranges = hole.ranges();
    for port in [0, 1, 511, 512, 4095] {
        let group = hole.group().0 + resident::PORTS;
        let (at, flags) = words.walk(&hole, group + 8 * u64::from(port)).unwrap();
        assert_eq!((Gpa(at), flags & WRITABLE), (hole.port(Port(port)), 0), "port {port}");
        let range = ranges.iter().find(|r| (r.start.0..r.start.0 + r.bytes).contains(&at)).unwrap();
        assert_eq!(range.access, HoleAccess::Read, "port {port}");
    }
}

#[test]
fn all_memory_and_the_shared_page_are_in_the_direct_map() {
    for memory_pages in [256, 4096, 262_144, 262_145, 1 << 20] {
        let (hole, words) = written(memory_pages);
        for gpa in [Gpa(0), Gpa((memory_pages - 1) * PAGE_SIZE + 5), hole.shared_info()] {
            assert_eq!(words.walk(&hole, hole.direct(gpa).0).unwrap().0, gpa.0);
        }
    }
}

#[test]
fn the_task_segment_has_the_stack_and_no_io_map() {
    let (hole, words) = written(4096);
    let (task, _) = words.walk(&hole, hole.task().0).unwrap();
    assert_eq!(words.0[&(task + 4)], 0xffff_8000_dead_bee0, "RSP0");
    assert_eq!(words.0[&(task + 96)] >> 48, 104, "I/O map base");
}

#[test]
fn gates_lead_to_the_resident() {
    assert_eq!(gate(Gva(0xffff_8100_0002_1234), 3), [0x0002_ef00_e050_1234, 0xffff_8100]);
    assert_eq!(gate(Gva(0xffff_8100_0002_1234), 0)[0] >> 40 & 0xff, 0x8f);
}

#[test]
fn calls_lead_to_their_handlers() {
    let (hole, words) = written(1024);
    for (offset, first) in
        [(offset_of!(VcpuData, calls), 0), (offset_of!(VcpuData, listed_calls), 100)]
    {
        for number in 0..to_u64(CALLS) {
            let at = hole.data().0 + to_u64(offset) + 8 * number;
            let want = hole.text().0 + first + number;
            assert_eq!(words.0[&at], want, "call {number}");
        }
    }
}
