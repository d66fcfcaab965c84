//! A hundred processes started and waited for, and as many at a time as there can be.
//!
//! A frame, a table, a stack or a place that is not given back shows after a few of them: the heap
//! has room for some fifty stacks. Children whose parent has ended are nobody's to wait for.
//! Expected: each can be started; all frames and places are free afterwards; one too many is an
//! error, and does no harm.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::vec::Vec;

use scenarios::processes::{check_balance, run_well, start};
use xenolith_guest::{
    StartInfo, check, check_eq,
    process::{
        self, SpawnError,
        table::{Parent, Status},
    },
    scenario::Checks,
    tasks,
};

xenolith_guest::scenario!(main);

/// Processes one behind the other.
const IN_A_ROW: usize = 100;

fn main(checks: &mut Checks, info: &'static StartInfo) {
    if !start(checks, info) {
        return;
    }
    check_balance(checks, "in a row", |checks| {
        (0..IN_A_ROW).for_each(|_| run_well(checks, "echo", "again"));
    });
    check_balance(checks, "killed in a row", |checks| {
        for _ in 0..IN_A_ROW {
            let status = scenarios::processes::run(checks, "misbehave", "kernel-write");
            check_eq!(checks, status, Some(Status::Killed(14)));
        }
    });
    check_balance(checks, "at a time", at_a_time);
    check_balance(checks, "orphans", orphans);
    check_eq!(checks, tasks::list().len(), 3, "tasks that are left");
}

/// Fills every place.
fn at_a_time(checks: &mut Checks) {
    let spawn = || process::spawn("echo", b"crowd", Parent::Kernel);
    let mut all = Vec::new();
    let full = loop {
        match spawn() {
            Ok(id) => all.push(id),
            Err(error) => break error,
        }
        if all.len() > 1000 {
            return check!(checks, false, "there is no end");
        }
    };
    check!(checks, matches!(full, SpawnError::Full | SpawnError::NoMemory), "{full:?}");
    check!(checks, all.len() >= 20, "{} at a time", all.len());
    for id in all {
        check_eq!(checks, process::wait(id, Parent::Kernel), Ok(Status::Exited(0)));
    }
}

/// A shell that ends before what it has started.
fn orphans(checks: &mut Checks) {
    run_well(checks, "shell", "orphans.sh");
    // They go on for some time, and nobody can wait for them.
    let mut looks = 0;
    while !process::list().is_empty() && looks < 1000 {
        tasks::sleep(core::time::Duration::from_millis(10));
        looks += 1;
    }
    check_eq!(checks, process::list().len(), 0, "orphans that are left");
    // The last one's task has its last turn.
    tasks::sleep(core::time::Duration::from_millis(10));
}
