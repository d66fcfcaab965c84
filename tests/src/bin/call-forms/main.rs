//! The same calls in every form: by instruction and by page, restarted or not, alone and in a list.
//!
//! The forms do not all take the same way through the hypervisor: some are served in the guest's own
//! container, where the processor walks its tables, others behind an exit, where they are walked by
//! hand. Nobody may be able to tell.
//! Expected: each call has the same result, leaves the same memory, tables, machine-to-physical
//! entries, CR3 and LDTR, and keeps the same registers in every form; calls whose results are known
//! have these. Lists are on good pages, across pages, on pages that are absent, read-only, large, a
//! process's (with and without SMAP), given back or above all memory; commands, frames, domains,
//! flags and counts of every kind. Half of the calls are made with the kernel's own handlers of
//! exceptions, to which faults must not get. `seed=` chooses other calls, `calls=` how many.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

mod edges;
mod flushes;
mod forms;
mod ground;
mod known;
mod places;
mod random_cases;
mod random_lists;
mod random_places;

use forms::{Effect, compare, settle};
use ground::Ground;
use scenarios::random::Random;
use xenolith_guest::{
    StartInfo, check_eq, command_line, cpuid, println, probe::control, scenario::Checks, traps,
};

xenolith_guest::scenario!(run);

/// CR4.SMAP, and the bit of CPUID leaf 7, ebx.
const SMAP: u64 = 1 << 21;
const HAS_SMAP: u32 = 1 << 20;

fn run(checks: &mut Checks, start: &'static StartInfo) {
    let number =
        |name, default| command_line::number(start.command_line(), name).unwrap_or(default);
    let [seed, calls] = [number("seed", 1), number("calls", 150)];
    let mut ground = Ground::take(start);
    ground.map_shared(start);
    settle();
    known::check(checks, &mut ground);
    let smap = if cpuid::read(7, 0).ebx & HAS_SMAP != 0 { SMAP } else { 0 };
    edges::check(checks, &mut ground, smap);
    flushes::check(checks, &mut ground);
    let mut random = Random::new(seed);
    for call in 0..calls {
        // From here on faults in the resident are its own, before that they are the hypervisor's.
        if call == calls / 2 {
            check_eq!(checks, traps::install(), Ok(()));
        }
        control::write_cr4(control::cr4() ^ smap);
        let frames = ground.frames;
        let case = random_cases::simple(&mut random, &frames);
        let Effect { result, .. } = compare(checks, &mut ground, &case);
        let list = random_lists::list(&mut random, &frames);
        let listed = compare(checks, &mut ground, &list);
        if call % 50 == 0 {
            println!("call {call}: {result}, list: {}", listed.result);
            settle();
        }
    }
}
