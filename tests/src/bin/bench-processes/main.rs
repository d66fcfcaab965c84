//! Measures what processes ask of the kernel: system calls, page faults, other processes.
//!
//! The program `measure` times each operation. How many VM exits belong to it the kernel finds by
//! having it done quietly, so many times and hardly at all.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use xenolith_guest::{
    StartInfo, events,
    hypercall::{
        sched::{ShutdownReason, shutdown},
        xenolith::exit_counts,
    },
    irq,
    process::{
        self,
        table::{Parent, Status},
    },
    tasks, time, traps,
};

xenolith_guest::entry!(main);

/// What is measured, and how often.
const OPERATIONS: &[(&str, u64)] = &[
    ("getpid", 1000),
    ("bad-number", 1000),
    ("yield", 1000),
    ("read-fault", 1000),
    ("write-fault", 1000),
    ("copy-fault", 1000),
    ("map", 1000),
    ("spawn", 100),
];

fn main(start: &'static StartInfo) -> ! {
    traps::install().expect("the hypervisor takes handlers");
    events::install().expect("the hypervisor has events");
    time::install().expect("the hypervisor has a timer");
    tasks::start(start).expect("there is room for tasks");
    irq::irq_enable();
    process::install(start).expect("there are programs");
    for &(name, rounds) in OPERATIONS {
        // The first one loads the program.
        run(&alloc::format!("{name} 1"));
        let few = exits_of(&alloc::format!("{name} 1"));
        let many = exits_of(&alloc::format!("{name} {}", rounds + 1));
        let hundredths = many.saturating_sub(few) * 100 / rounds;
        let (whole, part) = (hundredths / 100, hundredths % 100);
        run(&alloc::format!("{name} {rounds} {whole}.{part:02}"));
    }
    shutdown(ShutdownReason::POWEROFF)
}

fn run(arguments: &str) {
    let id = process::spawn("measure", arguments.as_bytes(), Parent::Kernel);
    let status = process::wait(id.expect("the program is there"), Parent::Kernel);
    assert_eq!(status.map(Status::word), Ok(0), "measure {arguments}");
}

fn exits_of(arguments: &str) -> u64 {
    let exits = || exit_counts().map_or(0, |counts| counts.total());
    let before = exits();
    run(arguments);
    exits() - before
}

extern crate alloc;
