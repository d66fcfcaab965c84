//! The reasons a domain can give for its end: `reason=` on the command line.
//!
//! The word on the trusted status port and the runner's exit status must follow the reason; a
//! table with two rows swapped would show only here.
//! Expected: the end that the runner expects for the reason.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use xenolith_guest::{
    StartInfo, check, command_line, hypercall::sched::ShutdownReason, scenario::Checks,
};

xenolith_guest::scenario!(run to end);

const REASONS: &[(&str, ShutdownReason)] = &[
    ("poweroff", ShutdownReason::POWEROFF),
    ("reboot", ShutdownReason::REBOOT),
    ("suspend", ShutdownReason::SUSPEND),
    ("crash", ShutdownReason::CRASH),
    ("watchdog", ShutdownReason::WATCHDOG),
    ("soft-reset", ShutdownReason::SOFT_RESET),
    ("unknown", ShutdownReason(77)),
    // Xen looks at the low byte only.
    ("poweroff-and-more", ShutdownReason(0x1_2300)),
];

fn run(mut checks: Checks, start: &'static StartInfo) -> ! {
    let wanted = command_line::value(start.command_line(), "reason");
    let reason = REASONS.iter().find(|(name, _)| Some(*name) == wanted);
    check!(checks, reason.is_some(), "no such reason: {wanted:?}");
    checks.end(reason.map_or(ShutdownReason::POWEROFF, |&(_, reason)| reason))
}
