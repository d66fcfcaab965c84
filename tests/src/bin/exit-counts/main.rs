//! The extension that counts VM exits: numbers that can be trusted, and arguments that cannot.
//!
//! Benchmarks stand on these counts, so they must grow by exactly what the guest causes; and the
//! call copies an array of a length that the guest chooses.
//! Expected: exact growth for hypercalls, CPUID and port accesses; errors for bad memory.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use scenarios::{buffers::Buffers, calls::call};
use xenolith_guest::{
    StartInfo,
    abi::{
        errno::{EFAULT, ENOSYS},
        xenolith::{EXIT_COUNTS, EXIT_REASON_SLOTS, OP},
    },
    check_eq,
    hypercall::xenolith::{ExitCounts, exit_counts},
    probe::{cpuid, hypercall::vmcall, port},
    scenario::Checks,
};

xenolith_guest::scenario!(run);

/// Basic exit reasons (SDM 3D, appendix C).
const CPUID: usize = 10;
const VMCALL: usize = 18;
const IO: usize = 30;

fn run(checks: &mut Checks, start: &'static StartInfo) {
    check_growth(checks);
    check_arguments(checks, &mut Buffers::new(start));
}

fn check_growth(checks: &mut Checks) {
    let counted = || exit_counts().map_err(|error| error.0);
    let (Ok(before), Ok(between)) = (counted(), counted()) else {
        return checks.error(format_args!("this hypervisor does not count exits"));
    };
    let grown = |after: &ExitCounts, before: &ExitCounts| {
        [CPUID, VMCALL, IO].map(|reason| after.of(reason) - before.of(reason))
    };
    check_eq!(checks, grown(&between, &before), [0, 1, 0], "exits of the call itself");
    for _ in 0..100 {
        cpuid::read(0, 0);
    }
    for _ in 0..30 {
        port::read::<u8>(0x80);
        port::write::<u16>(0x80, 0);
    }
    for _ in 0..7 {
        vmcall(0xdead, [0; 5]);
    }
    let Ok(after) = counted() else { return };
    check_eq!(checks, grown(&after, &between), [100, 8, 60], "exits for CPUID, VMCALL, I/O");
    check_eq!(checks, after.total() >= before.total() + 169, true, "sum of all exits");
}

fn check_arguments(checks: &mut Checks, buffers: &mut Buffers) {
    let slots = i64::try_from(EXIT_REASON_SLOTS).unwrap_or(0);
    let good = buffers.at(Buffers::LONG);
    for (room, answer) in [(0, 0), (1, 1), (slots - 1, slots - 1), (slots, slots), (1000, slots)] {
        buffers.window().fill(Buffers::LONG, 8 * EXIT_REASON_SLOTS + 8, 0xee);
        let found = call(OP, [EXIT_COUNTS.into(), good, room.cast_unsigned()]);
        check_eq!(checks, found, answer, "room for {room}");
        let written = usize::try_from(answer).unwrap_or(0);
        let behind = buffers.window().u64(Buffers::LONG + 8 * written);
        check_eq!(checks, behind, 0xeeee_eeee_eeee_eeee, "word behind {written} slots");
    }
    let room = EXIT_REASON_SLOTS as u64;
    let crossing = buffers.crossing(8 * EXIT_REASON_SLOTS);
    check_eq!(checks, call(OP, [EXIT_COUNTS.into(), crossing, room]), slots, "across pages");
    let bytes = 8 * EXIT_REASON_SLOTS;
    for (what, address) in buffers.unreadable(bytes).into_iter().chain(buffers.unwritable(bytes)) {
        let answer = call(OP, [EXIT_COUNTS.into(), address, room]);
        check_eq!(checks, answer, -EFAULT, "to memory that is {what}");
    }
    check_eq!(checks, call(OP, [1, good, room]), -ENOSYS, "unknown sub-operation");
    check_eq!(checks, call(OP, [u64::MAX, good, room]), -ENOSYS, "sub-operation -1");
}
