//! What scenarios with processes begin with, and how they run programs.

use xenolith_guest::{
    StartInfo, check, check_eq, memory,
    process::{
        self,
        table::{Parent, Status},
    },
    scenario::Checks,
};

use crate::tasks;

/// Turns on tasks and processes; returns whether that worked.
pub fn start(checks: &mut Checks, start: &'static StartInfo) -> bool {
    let tasks = tasks::start(checks, start);
    let installed = process::install(start);
    check!(checks, installed.is_ok(), "processes: {installed:?}");
    tasks.is_some() && installed.is_ok()
}

/// Runs a program to its end; says how it ended, or prints why it did not begin.
pub fn run(checks: &mut Checks, name: &str, arguments: &str) -> Option<Status> {
    let spawned = process::spawn(name, arguments.as_bytes(), Parent::Kernel);
    check!(checks, spawned.is_ok(), "{name} {arguments}: {spawned:?}");
    process::wait(spawned.ok()?, Parent::Kernel).ok()
}

/// Runs a program that must give the status 0.
pub fn run_well(checks: &mut Checks, name: &str, arguments: &str) {
    let status = run(checks, name, arguments);
    check_eq!(checks, status, Some(Status::Exited(0)), "{name} {arguments}");
}

/// Runs `action` twice, so that the programs it needs are in memory the second time, and checks that
/// it leaves as much memory as there was.
pub fn check_balance(checks: &mut Checks, what: &str, mut action: impl FnMut(&mut Checks)) {
    action(checks);
    let before = memory::free_frames();
    action(checks);
    check_eq!(checks, memory::free_frames(), before, "{what}: free frames");
}
