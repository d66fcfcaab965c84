//! A kernel with note INIT_P2M: its list of frames is mapped where it asks, with tables of its own.
//!
//! The list then lies behind the boot mapping, and start_info must tell its frames, tables included.
//! Expected: the boot contract, with the list at the address of the note.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use scenarios::boot_contract::{self, Module, P2m, Wanted};
use xenolith_guest::{StartInfo, scenario::Checks};

const LIST: u64 = 0x80_0000_0000;

xenolith_guest::scenario!(run, notes = [standard, init_p2m = LIST]);

fn run(checks: &mut Checks, start: &'static StartInfo) {
    let wanted = Wanted { pages: 16384, p2m: P2m::At(LIST), module: Module::Absent };
    boot_contract::check(checks, start, &wanted);
}
