//! A program for Linux under Xenolith: processes, memory, signals, clocks, and what the CPU does for
//! them, each small and with a result that does not depend on the machine.
//!
//! `xtask` runs it in the guest and on the host: lines `result: NAME VALUE` must be the same. What
//! the host's kernel need not have is only checked, with `guest` as the argument, and what it costs is
//! measured, with `guest` or `measure`. With `disk` it uses a block device, in the guest alone. The last
//! line is the report of a scenario.

mod arithmetic;
mod checks;
mod clocks;
mod compat;
mod debugging;
mod disk;
mod measure;
mod memory;
mod processes;
mod segments;
mod signals;
mod wide;

use std::path::Path;
use std::process::ExitCode;

use checks::Checks;

/// The argument for the use of a block device.
const DISK: &str = "disk";

fn main() -> ExitCode {
    let argument = std::env::args().nth(1);
    if argument.as_deref() == Some(processes::ECHO) {
        return processes::echo();
    }
    let mut checks = Checks::default();
    match argument.as_deref() {
        Some("boot") => return measure::boot(),
        Some("measure") => {
            measure::run(&mut checks);
            return checks.report();
        }
        Some(DISK) => {
            let arguments: Vec<_> = std::env::args().skip(2).collect();
            let [directory, device, offset] = &arguments[..] else { return usage() };
            let Ok(offset) = offset.parse() else { return usage() };
            disk::run(&mut checks, Path::new(directory), Path::new(device), offset);
            return checks.report();
        }
        Some("guest") => measure::check_boot(&mut checks),
        _ => {}
    }
    processes::run(&mut checks);
    memory::run(&mut checks);
    signals::run(&mut checks);
    clocks::run(&mut checks);
    arithmetic::run(&mut checks);
    debugging::run(&mut checks);
    if argument.as_deref() == Some("guest") {
        clocks::check_without_calls(&mut checks);
        clocks::check_steal(&mut checks);
        compat::run(&mut checks);
        // Before the process has an LDT, which tasks then change with.
        measure::run(&mut checks);
        segments::run(&mut checks);
        wide::run(&mut checks);
    }
    checks.report()
}

/// Tells how it is called.
fn usage() -> ExitCode {
    println!("workload {DISK} DIRECTORY DEVICE OFFSET");
    ExitCode::FAILURE
}
