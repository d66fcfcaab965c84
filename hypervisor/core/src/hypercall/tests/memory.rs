use super::super::Outcome::{self, Return};
use super::super::test_machine::{Caller, DOMAIN, MEMORY_PAGES};
use crate::address::{PAGE_SIZE, to_u64};
use crate::guest_access::test_space::BASE;
use core::mem::offset_of;
use xenolith_abi::domain::{IDLE, INVALID, IO, SELF, XEN};
use xenolith_abi::errno::{EFAULT, EINVAL, ENOSYS, ESRCH};
use xenolith_abi::hypercall::MEMORY_OP;
use xenolith_abi::memory::{E820_RAM, E820Entry, MachphysMapping, MemoryMap};
use xenolith_abi::shared_info::SharedInfo;

const MAXIMUM_RAM_PAGE: u64 = 2;
const CURRENT_RESERVATION: u64 = 3;
const MAXIMUM_RESERVATION: u64 = 4;
const MEMORY_MAP: u64 = 9;
const MACHPHYS_MAPPING: u64 = 12;
const MAXIMUM_GPFN: u64 = 14;

fn ask(caller: &mut Caller, command: u64, domain: u16) -> Outcome {
    caller.put(BASE, &[domain, 0xffff]);
    caller.call(MEMORY_OP, &[command, BASE])
}

fn set_max_pfn(caller: &mut Caller, count: u64) {
    // It is the first word of the architecture's part.
    let offset = to_u64(offset_of!(SharedInfo, arch));
    caller.machine.memory.poke(caller.domain.shared_info.0 + offset, count);
}

#[test]
fn counts_of_the_caller() {
    let mut caller = Caller::new();
    caller.domain.max_pages = 1000;
    set_max_pfn(&mut caller, 40);
    let ram_page = caller.domain.max_gfn.cast_signed();
    assert!(ram_page > MEMORY_PAGES.cast_signed());
    for domain in [SELF, DOMAIN] {
        assert_eq!(ask(&mut caller, CURRENT_RESERVATION, domain), Return(48));
        assert_eq!(ask(&mut caller, MAXIMUM_RESERVATION, domain), Return(1000));
        assert_eq!(ask(&mut caller, MAXIMUM_GPFN, domain), Return(39));
    }
    for pointer in [0, BASE] {
        assert_eq!(caller.call(MEMORY_OP, &[MAXIMUM_RAM_PAGE, pointer]), Return(ram_page));
    }
}

#[test]
fn other_domains_do_not_exist() {
    let mut caller = Caller::new();
    for command in [CURRENT_RESERVATION, MAXIMUM_RESERVATION, MAXIMUM_GPFN] {
        for domain in [0, 1, DOMAIN + 1, 0x7fef, IO, XEN, INVALID, IDLE, 0x8000 | DOMAIN, 0xffff] {
            assert_eq!(ask(&mut caller, command, domain), Return(-ESRCH), "{domain:#x}");
        }
    }
}

#[test]
fn the_highest_frame_is_the_guest_s_claim() {
    for (claim, want) in [
        (0, 0),
        (1, 0),
        (2, 1),
        (1 << 40, (1 << 40) - 1),
        (1 << 63, i64::MAX),
        (u64::MAX, i64::MAX),
    ] {
        let mut caller = Caller::new();
        set_max_pfn(&mut caller, claim);
        assert_eq!(ask(&mut caller, MAXIMUM_GPFN, SELF), Return(want), "{claim:#x}");
    }
}

#[test]
fn progress_is_refused_before_the_argument_is_read() {
    for command in [MAXIMUM_RAM_PAGE, CURRENT_RESERVATION, MAXIMUM_RESERVATION, MAXIMUM_GPFN] {
        for progress in [1 << 6, 1 << 31, 1 << 32, 1 << 63, u64::MAX << 6] {
            for pointer in [0, BASE] {
                let outcome = Caller::new().call(MEMORY_OP, &[command | progress, pointer]);
                assert_eq!(outcome, Return(-EINVAL), "{command} {progress:#x}");
            }
        }
    }
}

/// Xen passes what belongs to the architecture on with all bits, and does not find it then.
#[test]
fn progress_makes_calls_of_the_architecture_unknown() {
    for command in [MEMORY_MAP, MACHPHYS_MAPPING] {
        for progress in [1 << 6, 1 << 31, 1 << 32, 1 << 63, u64::MAX << 6] {
            let mut caller = Caller::new();
            let outcome = caller.call(MEMORY_OP, &[command | progress, BASE]);
            assert_eq!(outcome, Return(-ENOSYS), "{command} {progress:#x}");
            assert_eq!(caller.take::<[u8; 24]>(BASE), [0; 24]);
        }
    }
}

#[test]
fn unknown_operations() {
    let handled = [0, 1, 2, 3, 4, 6, 7, 9, 11, 12, 14, 15];
    for command in (0..64).filter(|command| !handled.contains(command)) {
        for progress in [0, 1 << 6, 1 << 63] {
            let outcome = Caller::new().call(MEMORY_OP, &[command | progress, BASE]);
            assert_eq!(outcome, Return(-ENOSYS), "{command}");
        }
    }
}

#[test]
fn the_memory_map_has_one_entry() {
    for (given, written) in [(0, 0), (1, 1), (2, 1), (128, 1), (u32::MAX, 1)] {
        let mut caller = Caller::new();
        let buffer = BASE + 0x1000 - 7;
        caller.put(buffer, &[0xee_u8; 48]);
        caller.put(BASE, &MemoryMap { nr_entries: given, padding: 0x77, buffer });
        assert_eq!(caller.call(MEMORY_OP, &[MEMORY_MAP, BASE]), Return(0));
        let map = MemoryMap { nr_entries: written, padding: 0x77, buffer };
        assert_eq!(caller.take::<MemoryMap>(BASE), map, "{given}");
        let entry = E820Entry { addr: 0, size: MEMORY_PAGES * PAGE_SIZE, type_: E820_RAM };
        let untouched = [0xee; 20];
        if written == 1 {
            assert_eq!(caller.take::<E820Entry>(buffer), entry);
        } else {
            assert_eq!(caller.take::<[u8; 20]>(buffer), untouched);
        }
        assert_eq!(caller.take::<[u8; 20]>(buffer + 20), untouched, "{given}");
    }
}

#[test]
fn without_room_for_an_entry_the_buffer_does_not_matter() {
    let mut caller = Caller::new();
    caller.put(BASE, &MemoryMap { nr_entries: 0, padding: 0, buffer: 0x8000_0000_0000 });
    assert_eq!(caller.call(MEMORY_OP, &[MEMORY_MAP, BASE]), Return(0));
    caller.put(BASE, &MemoryMap { nr_entries: 1, padding: 0, buffer: 0x8000_0000_0000 });
    assert_eq!(caller.call(MEMORY_OP, &[MEMORY_MAP, BASE]), Return(-EFAULT));
}

#[test]
fn the_machine_to_physical_table_is_where_xen_has_it() {
    let mut caller = Caller::new();
    assert_eq!(caller.call(MEMORY_OP, &[MACHPHYS_MAPPING, BASE]), Return(0));
    let want = MachphysMapping {
        v_start: 0xffff_8000_0000_0000,
        v_end: 0xffff_8040_0000_0000,
        max_mfn: caller.domain.max_gfn - 1,
    };
    assert_eq!(caller.take::<MachphysMapping>(BASE), want);
}
