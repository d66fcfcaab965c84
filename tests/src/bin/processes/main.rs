//! Programs in ring 3, alone and side by side: system calls, memory on demand, registers, turns.
//!
//! Arguments of system calls are claims: a wrong one must be an error, never the kernel's end. Pages
//! that processes share must not be written by one for the other, and what a process had must be
//! free behind its end. Registers that the kernel does not use belong to a process all the same.
//! Expected: the programs' own checks hold; a busy process does not keep others from running; as
//! many frames are free as before.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::time::Duration;

use scenarios::processes::{check_balance, run, run_well, start};
use xenolith_guest::{
    StartInfo, check, check_eq,
    process::{
        self,
        table::{Parent, ProcessId, Status},
    },
    scenario::Checks,
    tasks, time,
};

xenolith_guest::scenario!(main);

fn main(checks: &mut Checks, info: &'static StartInfo) {
    if !start(checks, info) {
        return;
    }
    check_balance(checks, "system calls", |checks| run_well(checks, "call-checks", ""));
    check_balance(checks, "storm", |checks| run_well(checks, "storm", "5"));
    check_balance(checks, "storms", |checks| side_by_side(checks, "storm", &["3", "3", "3"]));
    check_balance(checks, "registers", |checks| {
        side_by_side(checks, "vectors", &["1 20", "2 20", "3 20"]);
    });
    check_balance(checks, "stack", |checks| run_well(checks, "deep", "900"));
    let overflow = run(checks, "deep", "1100");
    check_eq!(checks, overflow, Some(Status::Killed(14)), "a stack that is too deep");
    preemption(checks);
    refusals(checks);
}

fn spawn(checks: &mut Checks, name: &str, arguments: &str) -> Option<ProcessId> {
    let spawned = process::spawn(name, arguments.as_bytes(), Parent::Kernel);
    check!(checks, spawned.is_ok(), "{name} {arguments}: {spawned:?}");
    spawned.ok()
}

fn wait_well(checks: &mut Checks, process: Option<ProcessId>) {
    let status = process.and_then(|process| process::wait(process, Parent::Kernel).ok());
    check_eq!(checks, status, Some(Status::Exited(0)), "{process:?}");
}

/// Runs processes of one program at a time, which must all give the status 0.
fn side_by_side<const N: usize>(checks: &mut Checks, name: &str, arguments: &[&str; N]) {
    let all = arguments.map(|arguments| spawn(checks, name, arguments));
    for process in all {
        wait_well(checks, process);
    }
}

/// A process that makes no system call loses the vCPU all the same: to the kernel's own tasks, and
/// to another process.
fn preemption(checks: &mut Checks) {
    let busy = spawn(checks, "spin", "8");
    let before = time::now();
    for _ in 0..5 {
        tasks::sleep(Duration::from_millis(20));
    }
    let slept = time::now() - before;
    check!(checks, slept < Duration::from_millis(250), "slept for {slept:?} beside a busy process");
    run_well(checks, "echo", "beside a busy process");
    let is_busy = process::list().iter().any(|it| Some(it.id) == busy && it.status.is_none());
    check!(checks, is_busy, "it is busy still");
    let preempted = tasks::list().iter().map(|task| task.account.preempted).max();
    check!(checks, preempted >= Some(3), "preempted {preempted:?} times");
    wait_well(checks, busy);
}

/// What is no program, or nobody's process.
fn refusals(checks: &mut Checks) {
    for name in ["", "nothing", "motto", "a name that is longer than any file's can be, by far"] {
        let spawned = process::spawn(name, b"", Parent::Kernel);
        check!(checks, spawned.is_err(), "{name:?}: {spawned:?}");
    }
    let child = spawn(checks, "echo", "once");
    wait_well(checks, child);
    let again = child.map(|child| process::wait(child, Parent::Kernel).is_err());
    check_eq!(checks, again, Some(true), "waited for twice");
    check_eq!(checks, process::list().len(), 0, "processes that are left");
}
