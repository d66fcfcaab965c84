//! A scenario that finds it cannot run here: the checker is checked.
//!
//! Expected: verdict `skip`.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use xenolith_guest::{StartInfo, scenario::Checks};

xenolith_guest::scenario!(run);

fn run(checks: &mut Checks, _: &'static StartInfo) {
    checks.skip("no machine has what this needs");
}
