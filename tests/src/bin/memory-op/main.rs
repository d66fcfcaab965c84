//! `memory_op`: how much memory there is and where, with good and bad arguments.
//!
//! Kernels size their tables by these answers: they must agree with start_info and each other. The
//! structure of the memory map points to more guest memory, which is checked on its own.
//! Expected: one view of memory everywhere; what Xen answers to bad arguments.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use scenarios::{
    buffers::Buffers,
    calls::{Call, call, check_all},
};
use xenolith_guest::{
    StartInfo,
    abi::{
        domain,
        errno::{EFAULT, EINVAL, ENOSYS, ESRCH},
        hypercall::MEMORY_OP,
        memory::{CURRENT_RESERVATION, MACHPHYS_MAPPING, MAXIMUM_RESERVATION, MEMORY_MAP},
    },
    check, check_eq,
    hypercall::memory,
    probe,
    scenario::Checks,
    x86_64::VirtAddr,
};

xenolith_guest::scenario!(run);

const CALLS: &[Call] = &[
    Call { name: "unknown command 8", arguments: [8, 0, 0], answer: -ENOSYS },
    Call { name: "unknown command 63", arguments: [63, 0, 0], answer: -ENOSYS },
    Call { name: "progress in maximum_ram_page", arguments: [2 | 1 << 6, 0, 0], answer: -EINVAL },
    Call {
        name: "progress in current_reservation",
        arguments: [3 | 1 << 6, 0, 0],
        answer: -EINVAL,
    },
    Call {
        name: "progress in maximum_reservation",
        arguments: [4 | 1 << 40, 0, 0],
        answer: -EINVAL,
    },
];

fn run(checks: &mut Checks, start: &'static StartInfo) {
    check_all(checks, MEMORY_OP, CALLS);
    check_sizes(checks, start);
    let mut buffers = Buffers::new(start);
    check_reservations(checks, &mut buffers, start);
    check_memory_map(checks, &mut buffers);
    check_machphys(checks, &mut buffers, start);
}

/// Checks that all ways to ask for the amount of memory agree.
fn check_sizes(checks: &mut Checks, start: &StartInfo) {
    let pages = start.pages();
    check_eq!(checks, memory::current_reservation(), Ok(pages), "current_reservation");
    let maximum = memory::maximum_reservation();
    check!(checks, maximum.is_ok_and(|most| most >= pages), "maximum_reservation {maximum:?}");
    check!(checks, memory::maximum_ram_page().is_ok_and(|page| page + 1 >= pages));
    let map = memory::memory_map().unwrap_or_default();
    let usable = map.iter().filter(|range| range.kind.0 == 1).map(|range| range.bytes / 4096);
    check_eq!(checks, usable.sum::<u64>(), pages, "usable pages of the memory map");
    let sorted = map.windows(2).all(|pair| pair[0].start + pair[0].bytes <= pair[1].start);
    check!(checks, sorted, "ranges of the memory map overlap or are not in order");
}

fn check_reservations(checks: &mut Checks, buffers: &mut Buffers, start: &StartInfo) {
    for command in [CURRENT_RESERVATION, MAXIMUM_RESERVATION] {
        for (what, address) in buffers.unreadable(2) {
            let answer = call(MEMORY_OP, [command.into(), address, 0]);
            check_eq!(checks, answer, -EFAULT, "reservation {command} of a domain that is {what}");
        }
        // The number of this domain is not told to it; whichever it is, it is small.
        for (domain, answer) in [
            (domain::SELF, start.pages().cast_signed()),
            (domain::IO, -ESRCH),
            (domain::INVALID, -ESRCH),
            (0x7000, -ESRCH),
        ] {
            buffers.window().write(Buffers::GOOD, &domain.to_le_bytes());
            let found = call(MEMORY_OP, [command.into(), buffers.good(), 0]);
            if answer < 0 || command == CURRENT_RESERVATION {
                check_eq!(checks, found, answer, "reservation {command} of domain {domain:#x}");
            }
        }
    }
}

/// Asks for the memory map with `entries` entries of room at `buffer`; returns the answer and the
/// number of entries told.
fn ask_map(buffers: &mut Buffers, entries: u32, buffer: u64) -> (i64, u32) {
    let address = buffers.good();
    buffers.window().write(Buffers::GOOD, &entries.to_le_bytes());
    buffers.window().write(Buffers::GOOD + 8, &buffer.to_le_bytes());
    let answer = call(MEMORY_OP, [MEMORY_MAP.into(), address, 0]);
    (answer, buffers.window().u32(Buffers::GOOD))
}

fn check_memory_map(checks: &mut Checks, buffers: &mut Buffers) {
    for (what, address) in buffers.unreadable(16).into_iter().chain(buffers.unwritable(16)) {
        let answer = call(MEMORY_OP, [MEMORY_MAP.into(), address, 0]);
        check_eq!(checks, answer, -EFAULT, "memory map described in memory that is {what}");
    }
    let room = buffers.at(Buffers::LONG);
    check_eq!(checks, ask_map(buffers, 0, room), (0, 0), "memory map without room");
    let (answer, told) = ask_map(buffers, 128, room);
    check_eq!(checks, answer, 0, "memory map with room");
    check!(checks, (1..128).contains(&told), "{told} entries in the memory map");
    let crossing = buffers.crossing(20);
    check_eq!(checks, ask_map(buffers, 1, crossing), (0, 1), "one entry, across pages");
    let first = buffers.window().bytes::<20>(Buffers::LONG);
    let same = buffers.window().bytes(Buffers::crossing_offset(20));
    check_eq!(checks, first, same, "the entry across pages");
    for (what, address) in buffers.unreadable(20).into_iter().chain(buffers.unwritable(20)) {
        let (answer, _) = ask_map(buffers, 1, address);
        check_eq!(checks, answer, -EFAULT, "an entry to memory that is {what}");
    }
}

/// Checks where the machine-to-physical table is said to be, and that it is there.
fn check_machphys(checks: &mut Checks, buffers: &mut Buffers, start: &StartInfo) {
    for (what, address) in buffers.unreadable(24).into_iter().chain(buffers.unwritable(24)) {
        let answer = call(MEMORY_OP, [MACHPHYS_MAPPING.into(), address, 0]);
        check_eq!(checks, answer, -EFAULT, "machphys_mapping to memory that is {what}");
    }
    let Ok(mapping) = memory::machphys_mapping() else {
        return check!(checks, false, "machphys_mapping fails");
    };
    check_eq!(checks, mapping.v_start, 0xffff_8000_0000_0000, "v_start");
    check!(checks, mapping.max_mfn + 1 >= start.pages(), "max_mfn {:#x}", mapping.max_mfn);
    let entries = (mapping.v_end - mapping.v_start) / 8;
    check!(checks, entries > mapping.max_mfn, "v_end {:#x}", mapping.v_end);
    let wrong = (0..start.pages()).filter(|frame| {
        probe::memory::read_u64(VirtAddr::new(mapping.v_start + frame * 8)) != *frame
    });
    check_eq!(checks, wrong.count(), 0, "entries of the machine-to-physical table");
}
