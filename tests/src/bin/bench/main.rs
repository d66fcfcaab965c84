//! Measures operations in instructions and VM exits, for `cargo xtask bench`.
//!
//! Under Bochs the time-stamp counter counts instructions, of guest and hypervisor together. Each
//! figure is the mean of many, less the cost of an empty loop; exits are the hypervisor's own count.
//! Names are those of the table of Xen's figures.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

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
    probe::{cpuid, hypercall::by_page},
};

xenolith_guest::entry!(main);

/// Operations that make up one figure.
const ROUNDS: u64 = 2000;

/// 64 bytes that are easy to filter from a console.
const LINE: &[u8; 64] = b"filler ........................................................\n";

type Operation = (&'static str, fn());

const OPERATIONS: &[Operation] = &[
    ("xen_version(hypercall_page)", || {
        let _ = version::version();
    }),
    ("bad hypercall nr (-ENOSYS)", || {
        by_page(100, [0; 5]);
    }),
    ("sched_op(yield)", || {
        let _ = sched::yield_now();
    }),
    ("console_io(write 64 bytes)", || {
        let _ = console::write(LINE);
    }),
    ("native cpuid", || {
        cpuid::read(0, 0);
    }),
];

/// What one operation costs, in hundredths.
struct Cost {
    instructions: u64,
    exits: u64,
}

fn main(_: &'static StartInfo) -> ! {
    let empty = measure(|| {});
    for &(name, operation) in OPERATIONS {
        let cost = measure(operation);
        let instructions = cost.instructions.saturating_sub(empty.instructions);
        // Counting exits is itself an exit, once per figure.
        let exits = cost.exits.saturating_sub(empty.exits);
        println!(
            "bench: {name} | {}.{} | {}.{:02}",
            instructions / 100,
            instructions / 10 % 10,
            exits / 100,
            exits % 100,
        );
    }
    sched::shutdown(ShutdownReason::POWEROFF)
}

/// Executes an operation many times and returns the mean cost.
#[inline(never)]
fn measure(operation: fn()) -> Cost {
    let exits = || exit_counts().map_or(0, |counts| counts.total());
    let operation = core::hint::black_box(operation);
    operation();
    let exits_before = exits();
    let before = ticks();
    for _ in 0..ROUNDS {
        operation();
    }
    let instructions = ticks() - before;
    let exits = exits() - exits_before;
    Cost { instructions: instructions * 100 / ROUNDS, exits: exits * 100 / ROUNDS }
}
