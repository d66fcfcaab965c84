//! A scenario that must crash before its verdict: the checker is checked.
//!
//! A crash after checks that held must not count as a pass.
//! Expected: end `crash`, no verdict.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use xenolith_guest::{StartInfo, check, probe::crash, scenario::Checks};

xenolith_guest::scenario!(run);

fn run(checks: &mut Checks, _: &'static StartInfo) {
    check!(checks, true);
    crash::invalid_opcode()
}
