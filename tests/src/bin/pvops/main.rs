//! Each operation that differs between worlds, in both, at patched sites or as linked.
//!
//! A site that is patched wrong does something else than the same site before, or takes the kernel
//! down. Left writable, text and the table of operations could be made to do anything.
//! Expected: of every operation there is, the effect that it has in this world, the same at sites in
//! both forms; under Xenolith no VM exit of those that are said to have none; a page fault for whoever
//! writes to a site or the table; no page of the image both writable and executable. Run patched and
//! with `pvops=unpatched`, under Xenolith and on bare hardware.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

mod interrupts;
mod machine;
mod memory;
mod process;
mod tally;

use scenarios::programs::Stage;
use xenolith_guest::{
    StartInfo, check, check_eq, command_line, println,
    probe::pvops::is_as_linked,
    pvops::{self, World},
    scenario::Checks,
};

use crate::tally::Tally;

xenolith_guest::scenario!(run);

/// Whether there is no hypervisor.
fn is_bare() -> bool {
    pvops::world() == World::Native
}

fn run(checks: &mut Checks, start: &'static StartInfo) {
    let mut stage = match Stage::build(start) {
        Ok(stage) => stage,
        Err(error) => return checks.fail(format_args!("exceptions: {error}")),
    };
    let unpatched = command_line::value(start.command_line(), "pvops") == Some("unpatched");
    check_eq!(checks, pvops::world(), World::detect());
    check_sites(checks, unpatched);
    let mut tally = Tally::default();
    interrupts::check(checks, &mut tally);
    machine::check(checks, &mut tally);
    memory::check_paging(checks, &mut tally, &mut stage.window);
    memory::check_protection(checks, &stage.window);
    process::check(checks, &mut tally, &mut stage);
    tally.finish(checks);
}

/// All sites are as the command line wants them.
fn check_sites(checks: &mut Checks, unpatched: bool) {
    let as_linked = pvops::sites().iter().filter(|site| is_as_linked(site)).count();
    let all = pvops::sites().len();
    check!(checks, all > 100, "{all} sites");
    check_eq!(checks, as_linked, if unpatched { all } else { 0 }, "sites as linked");
    check_eq!(checks, pvops::patched().map(|it| it.sites), (!unpatched).then_some(all));
    println!("{all} sites are {}", if unpatched { "as linked" } else { "patched" });
}
