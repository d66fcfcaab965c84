//! The extension that counts VM exits: numbers that can be trusted, and arguments that cannot.
//!
//! Benchmarks stand on these counts, so they must grow by exactly what the guest causes; and the
//! call copies an array of a length that the guest chooses.
//! Hypercalls that the resident answers alone must not show in them, or it does not answer them.
//! Expected: exact growth for hypercalls, CPUID and port accesses; errors for bad memory.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use scenarios::{buffers::Buffers, calls::call};
use xenolith_guest::{
    StartInfo,
    abi::{
        errno::{EFAULT, EINVAL, ENOSYS},
        hypercall::{FPU_TASKSWITCH, SET_SEGMENT_BASE, STACK_SWITCH, XEN_VERSION},
        segment::{SEGBASE_FS, SEGBASE_GS_KERNEL, SEGBASE_GS_USER, SEGBASE_GS_USER_SEL},
        xenolith::{EXIT_COUNTS, EXIT_REASON_SLOTS, OP},
    },
    check_eq,
    hypercall::xenolith::{ExitCounts, exit_counts},
    probe::{control, cpuid, hypercall::syscall, msr, port},
    scenario::Checks,
};

xenolith_guest::scenario!(run);

/// Basic exit reasons (SDM 3D, appendix C).
const CPUID: usize = 10;
const VMCALL: usize = 18;
const IO: usize = 30;
/// Hypercalls, accesses to control registers, WRMSR: what the resident could cause.
const RESIDENT: [usize; 3] = [VMCALL, 28, 32];

const FS_BASE: u32 = 0xc000_0100;
const GS_BASE: u32 = 0xc000_0101;
const KERNEL_GS_BASE: u32 = 0xc000_0102;
const CR0_TS: u64 = 1 << 3;

fn run(checks: &mut Checks, start: &'static StartInfo) {
    check_growth(checks);
    check_resident(checks);
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
        syscall(0xdead, [0; 5]);
    }
    let Ok(after) = counted() else { return };
    check_eq!(checks, grown(&after, &between), [100, 8, 60], "exits for CPUID, VMCALL, I/O");
    check_eq!(checks, after.total() >= before.total() + 169, true, "sum of all exits");
}

/// Checks that the resident answers its calls without an exit, and all others with one.
fn check_resident(checks: &mut Checks) {
    const FS: u64 = 0x1234_5678_9abc;
    let [gs, other_gs] = [GS_BASE, KERNEL_GS_BASE].map(msr::read);
    for (name, number, [a, b], answer, exits) in [
        ("version", XEN_VERSION, [0, 0], 0x4_0011, 0),
        ("page size", XEN_VERSION, [7, 0], 4096, 1),
        ("stack", STACK_SWITCH, [0xe02b, 0xffff_ffff_8000_0000], 0, 0),
        ("CR0.TS on", FPU_TASKSWITCH, [1, 0], 0, 0),
        ("CR0.TS off", FPU_TASKSWITCH, [0, 0], 0, 0),
        ("FS base", SET_SEGMENT_BASE, [SEGBASE_FS.into(), FS], 0, 0),
        ("FS base beyond all", SET_SEGMENT_BASE, [SEGBASE_FS.into(), 1 << 47], -EINVAL, 0),
        ("selector of the other GS", SET_SEGMENT_BASE, [SEGBASE_GS_USER_SEL.into(), 0], 0, 0),
        ("base of nothing", SET_SEGMENT_BASE, [4, 0], -EINVAL, 0),
        ("base of the other GS", SET_SEGMENT_BASE, [SEGBASE_GS_USER.into(), other_gs], 0, 0),
        ("base of GS", SET_SEGMENT_BASE, [SEGBASE_GS_KERNEL.into(), gs], 0, 0),
        ("unknown number", 63, [0, 0], -ENOSYS, 1),
    ] {
        let (before, found, after) = (exit_counts(), call(number, [a, b, 0]), exit_counts());
        check_eq!(checks, found, answer, "{name}");
        let [Ok(before), Ok(after)] = [before, after] else { return };
        let grown = RESIDENT.map(|reason| after.of(reason) - before.of(reason));
        check_eq!(checks, grown, [1 + exits, 0, 0], "exits for {name}");
    }
    check_eq!(checks, [FS_BASE, GS_BASE, KERNEL_GS_BASE].map(msr::read), [FS, gs, other_gs]);
    for (on, task_switched) in [(1, CR0_TS), (0, 0)] {
        call(FPU_TASKSWITCH, [on, 0, 0]);
        check_eq!(checks, control::cr0() & CR0_TS, task_switched, "CR0.TS set to {on}");
    }
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
    check_eq!(checks, call(OP, [0xffff, good, room]), -ENOSYS, "unknown sub-operation");
    check_eq!(checks, call(OP, [u64::MAX, good, room]), -ENOSYS, "sub-operation -1");
}
