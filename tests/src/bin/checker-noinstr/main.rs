//! A kernel with entry code that calls ordinary code: the checker of entry code is checked.
//!
//! `cargo xtask test noinstr` must find the violation in this binary, and none in others.
//! Run as a scenario it passes: the damage such a call does depends on who else runs.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use xenolith_guest::{StartInfo, check_eq, probe::noinstr::planted_violation, scenario::Checks};

xenolith_guest::scenario!(run);

fn run(checks: &mut Checks, _: &'static StartInfo) {
    check_eq!(checks, planted_violation(), 0);
}
