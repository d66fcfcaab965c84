//! Measures operations in instructions and VM exits, for `cargo xtask bench`.
//!
//! Under Bochs the time-stamp counter counts instructions, of guest and hypervisor together. Each
//! operation is timed on its own, many times, less the cost of timing nothing; exits are the
//! hypervisor's own count. After output there is a pause, so that the speed of the serial line is
//! not what is measured. Names are those of the table of Xen's figures, where it has them.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use xenolith_guest::abi::{hypercall, vcpu};
use xenolith_guest::{
    StartInfo,
    clock::ticks,
    hypercall::{
        console,
        sched::{self, ShutdownReason},
        version,
        xenolith::exit_counts,
    },
    println,
    probe::{
        cpuid,
        hypercall::{direct, syscall},
    },
};

xenolith_guest::entry!(main);

/// Operations that make up one figure.
const ROUNDS: u64 = 1000;

/// 64 bytes that are easy to filter from a console.
const LINE: &[u8; 64] = b"filler ........................................................\n";

/// Ticks in which the serial line sends such a line, with some to spare.
const LINE_TICKS: u64 = 150_000;

/// A number that no hypercall has.
const UNKNOWN: u32 = 100;

/// A system time, 1000 seconds after boot, that no round of a bench reaches.
const FAR_NS: u64 = 1_000_000_000_000;

/// `VCPUOP_is_up`.
const IS_UP: u64 = vcpu::IS_UP as u64;

/// An operation and the ticks to wait after it.
type Operation = (&'static str, fn(), u64);

const OPERATIONS: &[Operation] = &[
    ("xen_version(hypercall_page)", || _ = version::version(), 0),
    ("xen_version(inline syscall)", || _ = syscall(hypercall::XEN_VERSION.into(), [0; 5]), 0),
    ("stack_switch", || _ = direct::<{ hypercall::STACK_SWITCH }>([0; 3]), 0),
    ("set_segment_base(FS)", || _ = direct::<{ hypercall::SET_SEGMENT_BASE }>([0; 3]), 0),
    ("fpu_taskswitch(1)", || _ = direct::<{ hypercall::FPU_TASKSWITCH }>([1, 0, 0]), 0),
    ("set_timer_op(+1000s)", || _ = direct::<{ hypercall::SET_TIMER_OP }>([FAR_NS, 0, 0]), 0),
    ("vcpu_op(is_up)", || _ = direct::<{ hypercall::VCPU_OP }>([IS_UP, 0, 0]), 0),
    ("bad hypercall nr (-ENOSYS)", || _ = direct::<UNKNOWN>([0; 3]), 0),
    ("sched_op(yield)", || _ = sched::yield_now(), 0),
    ("console_io(write 64 bytes)", || _ = console::write(LINE), LINE_TICKS),
    ("cpuid", || _ = cpuid::read(0, 0), 0),
];

/// What all rounds of an operation cost.
#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    instructions: u64,
    exits: u64,
}

fn main(_: &'static StartInfo) -> ! {
    let nothing = measure(|| (), 0);
    for &(name, operation, pause) in OPERATIONS {
        let cost = measure(operation, pause);
        let instructions = (cost.instructions - nothing.instructions) * 10 / ROUNDS;
        let exits = (cost.exits - nothing.exits) * 100 / ROUNDS;
        println!(
            "bench: {name} | {}.{} | {}.{:02}",
            instructions / 10,
            instructions % 10,
            exits / 100,
            exits % 100,
        );
    }
    sched::shutdown(ShutdownReason::POWEROFF)
}

/// Executes an operation many times, each timed on its own.
#[inline(never)]
fn measure(operation: fn(), pause: u64) -> Cost {
    let exits = || exit_counts().map_or(0, |counts| counts.total());
    let operation = core::hint::black_box(operation);
    let mut cost = Cost::default();
    // The first round is not like the others and does not count.
    for round in 0..=ROUNDS {
        let exits_before = exits();
        let before = ticks();
        operation();
        let after = ticks();
        if round > 0 {
            cost.exits += exits() - exits_before;
            cost.instructions += after - before;
        }
        while ticks() - after < pause {
            let _ = sched::yield_now();
        }
    }
    cost
}
