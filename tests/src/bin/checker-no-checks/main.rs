//! A scenario without a single check: the checker is checked.
//!
//! "0 checks, all passed" is how broken tests look.
//! Expected: verdict `error`.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use xenolith_guest::{StartInfo, scenario::Checks};

xenolith_guest::scenario!(run);

fn run(_: &mut Checks, _: &'static StartInfo) {}
