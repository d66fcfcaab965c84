//! A scenario that must hang: the checker is checked.
//!
//! A guest that never ends must be ended from outside, and that must not count as a pass.
//! Expected: end `timeout`, no verdict.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use xenolith_guest::{StartInfo, println, scenario::Checks};

xenolith_guest::scenario!(run);

fn run(_: &mut Checks, _: &'static StartInfo) {
    println!("hanging");
    loop {
        core::hint::spin_loop();
    }
}
