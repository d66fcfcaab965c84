//! A program for Linux under Xenolith: processes, memory, signals, clocks, and what the CPU does for
//! them, each small and with a result that does not depend on the machine.
//!
//! `xtask` runs it in the guest and on the host: lines `result: NAME VALUE` must be the same. What
//! the host's kernel need not have is only checked, with `guest` as the argument. The last line is
//! the report of a scenario.

mod arithmetic;
mod checks;
mod clocks;
mod compat;
mod debugging;
mod memory;
mod processes;
mod signals;

use std::process::ExitCode;

use checks::Checks;

fn main() -> ExitCode {
    let argument = std::env::args().nth(1);
    if argument.as_deref() == Some(processes::ECHO) {
        return processes::echo();
    }
    let mut checks = Checks::default();
    processes::run(&mut checks);
    memory::run(&mut checks);
    signals::run(&mut checks);
    clocks::run(&mut checks);
    arithmetic::run(&mut checks);
    debugging::run(&mut checks);
    if argument.as_deref() == Some("guest") {
        clocks::check_without_calls(&mut checks);
        compat::run(&mut checks);
    }
    checks.report()
}
