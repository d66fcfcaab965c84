//! A scenario that must fail: the checker is checked.
//!
//! If a failed check could pass unseen, every other scenario would be worthless.
//! Expected: verdict `fail`, with the failed checks named, although most checks hold.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use xenolith_guest::{StartInfo, check, check_eq, scenario::Checks};

xenolith_guest::scenario!(run);

fn run(checks: &mut Checks, _: &'static StartInfo) {
    check!(checks, true);
    check!(checks, 1 + 1 == 3, "arithmetic of {}", "a fool");
    check_eq!(checks, 6 * 9, 42, "the question");
    checks.skip("a lesser verdict, which must not replace the worse one");
    check!(checks, true);
}
