//! What Linux's operations cost: instructions, and VM exits where Xenolith counts them.
//!
//! In Bochs the time-stamp counter counts instructions. Lines `bench: OPERATION | INSTRUCTIONS | VM EXITS`
//! are for `xtask bench linux`; on Xen, which does not count, they end behind the instructions. Where
//! an operation has an aim, exceeding it is a failed check.

mod calls;
mod counts;
mod memory;
mod rounds;
mod tasks;
mod time;

use std::process::ExitCode;

use nix::libc;

use crate::checks::Checks;
use counts::Counter;
use rounds::Bench;

/// Exits of a whole boot that are not for ports or CPUID, at most.
const BOOT_EXITS: u64 = 10_000;

/// Tells when the first program runs, which this one has to be, and powers off.
pub(crate) fn boot() -> ExitCode {
    println!("bench: boot: power-on to the first program | {}", rounds::ticks());
    // SAFETY: the call takes a number only, and nothing is to be kept.
    unsafe { libc::reboot(libc::RB_POWER_OFF) };
    ExitCode::FAILURE
}

/// Checks how many exits the boot took, which is over where this program begins.
pub(crate) fn check_boot(checks: &mut Checks) {
    let count = Counter::open().map_or(0, |counter| counter.read().besides_ports_and_cpuid());
    checks.check(count <= BOOT_EXITS, &format!("the boot took {count} exits, not {BOOT_EXITS}"));
}

/// Measures and prints.
pub(crate) fn run(checks: &mut Checks) {
    let mut bench = Bench::new(Counter::open(), checks);
    calls::run(&mut bench);
    memory::run(&mut bench);
    tasks::run(&mut bench);
    time::run(&mut bench);
}
