//! Hypercalls, with all registers different: served by the resident and by root, well and badly.

use xenolith_guest::{
    abi::{
        hypercall::{FPU_TASKSWITCH, SCHED_OP, SET_SEGMENT_BASE, STACK_SWITCH, XEN_VERSION},
        sched, segment, version,
    },
    irq::Flags,
    probe::registers::{self, Registers},
    user,
};

use crate::{sweep::Sweeper, upcalls};

/// A call: its name, how it is made, number and arguments.
type Call = (&'static str, fn(&mut Registers), u64, [u64; 2]);

const NOWHERE: u64 = 0x5eed_0000_0000_0000;
const NO_CALL: u64 = 1 << 40;

const CALLS: &[Call] = &[
    ("xen_version by page", registers::xen_version, 0, [0, 0]),
    ("xen_version", registers::syscall, XEN_VERSION as u64, [0, 0]),
    ("page size", registers::syscall, XEN_VERSION as u64, [version::PAGESIZE as u64, 0]),
    ("text to nowhere", registers::syscall, XEN_VERSION as u64, [1, NOWHERE]),
    ("no such call by page", registers::last_stub, 0, [0, 0]),
    ("no such call", registers::syscall, NO_CALL, [0, 0]),
    ("yield by page", registers::sched_op, 0, [sched::YIELD as u64, 0]),
    ("yield", registers::syscall, SCHED_OP as u64, [sched::YIELD as u64, 0]),
    ("FS base", registers::syscall, SET_SEGMENT_BASE as u64, [segment::SEGBASE_FS as u64, 0x1000]),
    ("bad FS base", registers::syscall, SET_SEGMENT_BASE as u64, [0, NOWHERE]),
    ("CR0.TS on", registers::syscall, FPU_TASKSWITCH as u64, [1, 0]),
    ("CR0.TS off", registers::syscall, FPU_TASKSWITCH as u64, [0, 0]),
];

/// DF, NT, AC and ID: flags that the way out gives back before its last instructions.
const RARE_FLAGS: u64 = 1 << 10 | 1 << 14 | 1 << 18 | 1 << 21;

pub(crate) fn sweep(sweeper: &mut Sweeper<'_>) {
    for (seed, &(name, make, number, arguments)) in (0..).zip(CALLS) {
        sweeper.sweep(name, || call(seed, make, number, arguments));
    }
    let base = upcalls::process_base();
    sweeper.sweep("a process's GS", || process_gs(base));
    let stack = user::entry_stack().as_u64();
    sweeper.sweep("stack_switch", || call(99, registers::syscall, STACK_SWITCH.into(), [0, stack]));
}

/// Gives processes the null selector in GS, then their base of GS again.
fn process_gs(base: u64) -> [Registers; 2] {
    [(segment::SEGBASE_GS_USER_SEL, 0), (segment::SEGBASE_GS_USER, base)].map(|(which, value)| {
        call(98, registers::syscall, SET_SEGMENT_BASE.into(), [which.into(), value])
    })
}

fn call(seed: u64, make: fn(&mut Registers), number: u64, [rdi, rsi]: [u64; 2]) -> Registers {
    let mut registers = Registers::pattern(seed);
    (registers.rax, registers.rdi, registers.rsi) = (number, rdi, rsi);
    registers.rflags |= RARE_FLAGS;
    make(&mut registers);
    // The processor's own IF decides nothing, and entries leave it different.
    for flags in [&mut registers.rflags, &mut registers.r11] {
        *flags &= !Flags::IF.bits();
    }
    registers
}
