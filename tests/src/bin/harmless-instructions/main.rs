//! Privileged instructions that a ring-0 guest executes as a matter of course.
//!
//! Some of them exit and have to be done for the guest, some must not exit at all; none is an error.
//! Expected: the kernel goes on; time moves forward; IF decides nothing.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use scenarios::exits;
use xenolith_guest::{
    StartInfo, check, check_eq,
    clock::ticks,
    hypercall::xenolith::exit_counts,
    probe::{Window, control, instruction},
    scenario::Checks,
    x86_64::instructions::tlb,
};

xenolith_guest::scenario!(run);

const CR0_TS: u64 = 1 << 3;

fn run(checks: &mut Checks, start: &'static StartInfo) {
    for (name, execute) in [
        ("WBINVD", instruction::wbinvd as fn()),
        ("CLTS", instruction::clts),
        ("PAUSE", instruction::pause),
        ("CLI, STI", instruction::cli_sti),
        ("INVLPG, MOV to CR3", tlb::flush_all),
    ] {
        for _ in 0..10 {
            execute();
            check!(checks, true, "{name} came back");
        }
    }
    check_tlb(checks, start);
    check_clock(checks);
    control::write_cr0(control::cr0() | CR0_TS);
    exits::take_all();
    check_eq!(checks, control::cr0() & CR0_TS, CR0_TS, "CR0.TS after exits");
    instruction::clts();
    check_eq!(checks, control::cr0() & CR0_TS, 0, "CR0.TS after CLTS");
}

/// Checks that changing page tables and flushing causes no exits.
fn check_tlb(checks: &mut Checks, start: &StartInfo) {
    let mut window = Window::take(start);
    let before = exit_counts().map_or(0, |counts| counts.of(48) + counts.of(28) + counts.of(14));
    for round in 0..100_usize {
        let page = round % Window::PAGES;
        window.map(0, window.own_frame(page), Window::DATA);
        window.write(0, &[round.to_le_bytes()[0]]);
        tlb::flush_all();
    }
    let after = exit_counts().map_or(1, |counts| counts.of(48) + counts.of(28) + counts.of(14));
    check_eq!(checks, after - before, 0, "exits for page-table changes and flushes");
}

/// Checks that the time-stamp counter never goes back, also across exits.
fn check_clock(checks: &mut Checks) {
    let mut last = ticks();
    for round in 0..200 {
        let (_, exit) = exits::ALL[round % exits::ALL.len()];
        exit();
        let now = ticks();
        check!(checks, now > last, "time went from {last} to {now}");
        last = now;
    }
}
