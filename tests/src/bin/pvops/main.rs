//! Each operation that differs between worlds, under Xenolith, at patched sites or as linked.
//!
//! A site that is patched wrong does something else than the same site before, or takes the kernel
//! down. Left writable, text and the table of operations could be made to do anything.
//! Expected: each operation's effect, the same in both forms; those on the event mask without a VM exit;
//! a page fault for whoever writes to a site or the table; no page of the image both writable and
//! executable. Run once patched and once with `pvops=unpatched`.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

mod machine;
mod memory;
mod process;

use core::{sync::atomic::Ordering::Relaxed, time::Duration};

use scenarios::programs::Stage;
use xenolith_guest::{
    StartInfo, check, check_eq, command_line,
    hypercall::xenolith::exit_counts,
    irq::Flags,
    println,
    probe::pvops::is_as_linked,
    pvops::{self, World},
    scenario::Checks,
    shared_info::shared_info,
    time,
};

xenolith_guest::scenario!(run);

/// Rounds in which no VM exit may happen.
const ROUNDS: u64 = 100;

fn run(checks: &mut Checks, start: &'static StartInfo) {
    let mut stage = match Stage::build(start) {
        Ok(stage) => stage,
        Err(error) => return checks.fail(format_args!("exceptions: {error}")),
    };
    let unpatched = command_line::value(start.command_line(), "pvops") == Some("unpatched");
    check_sites(checks, unpatched);
    check_mask(checks);
    check_exits(checks);
    check_halt(checks);
    machine::check_registers(checks);
    machine::check_tables(checks);
    memory::check_paging(checks, &mut stage.window);
    memory::check_protection(checks, &stage.window);
    process::check_sysret(checks, &mut stage);
}

/// All sites are as the command line wants them.
fn check_sites(checks: &mut Checks, unpatched: bool) {
    check_eq!(checks, pvops::world(), World::Xenolith);
    let as_linked = pvops::sites().iter().filter(|site| is_as_linked(site)).count();
    let all = pvops::sites().len();
    check!(checks, all > 100, "{all} sites");
    check_eq!(checks, as_linked, if unpatched { all } else { 0 }, "sites as linked");
    check_eq!(checks, pvops::patched().map(|it| it.sites), (!unpatched).then_some(all));
    println!("{all} sites are {}", if unpatched { "as linked" } else { "patched" });
}

/// The operations on the mask, on the byte itself.
fn check_mask(checks: &mut Checks) {
    let words = shared_info().vcpu(0);
    for mask in 0..=u8::MAX {
        words.upcall_mask().store(mask, Relaxed);
        let expected = if mask == 0 { Flags::IF } else { Flags::DISABLED };
        check_eq!(checks, pvops::save_fl(), expected, "save_fl, mask {mask:#x}");
        pvops::restore_fl(Flags::DISABLED);
        check_eq!(checks, words.upcall_mask().load(Relaxed), mask, "restoring nothing");
        pvops::irq_disable();
        check_eq!(checks, words.upcall_mask().load(Relaxed), 1, "irq_disable");
        pvops::restore_fl(Flags::IF);
        check_eq!(checks, words.upcall_mask().load(Relaxed), 0, "restoring");
        words.upcall_mask().store(mask, Relaxed);
        pvops::irq_enable();
        check_eq!(checks, words.upcall_mask().load(Relaxed), 0, "irq_enable");
    }
    pvops::irq_disable();
}

fn check_exits(checks: &mut Checks) {
    let exits = || exit_counts().map_or(0, |counts| counts.total());
    // Asking is an exit of its own, and the clock may interrupt.
    let before = exits();
    let asking = exits() - before;
    let before = exits();
    for _ in 0..ROUNDS {
        let flags = pvops::save_fl();
        pvops::irq_disable();
        pvops::restore_fl(flags);
        pvops::irq_enable();
        pvops::irq_disable();
    }
    let seen = exits() - before - asking;
    check!(checks, seen < 5, "{seen} exits in {ROUNDS} rounds");
}

fn check_halt(checks: &mut Checks) {
    check!(checks, xenolith_guest::events::install().is_ok(), "events");
    check!(checks, time::install().is_ok(), "timer");
    let before = time::now();
    pvops::irq_enable();
    check_eq!(checks, time::sleep(Duration::from_millis(2)), Ok(()));
    let slept = time::now();
    check!(checks, slept > before, "time goes on");
    pvops::irq_disable();
}
