//! The smallest kernel there is: it says a word and powers off.
//!
//! If this fails nothing else can work: entry, console and shutdown are on its path.
//! Expected: the word on the console, one check, `poweroff`.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use xenolith_guest::{StartInfo, check, println, scenario::Checks};

xenolith_guest::scenario!(run);

fn run(checks: &mut Checks, start: &'static StartInfo) {
    println!("the guest is alive");
    check!(checks, start.pages() > 0);
}
