//! What a kernel without optional notes finds at its start, against the whole boot contract.
//!
//! Kernels compute addresses from it, so a page of difference breaks them long after boot: order
//! and place of everything, flags of every page-table entry, registers, and the shared page.
//! Expected: as `scenarios::boot_contract` says. `pages=` on the command line tells the memory.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use scenarios::boot_contract::{self, Module, P2m, Wanted};
use xenolith_guest::{StartInfo, command_line, scenario::Checks};

xenolith_guest::scenario!(run);

fn run(checks: &mut Checks, start: &'static StartInfo) {
    let Some(pages) = command_line::number(start.command_line(), "pages") else {
        return checks.error(format_args!("no pages= on the command line"));
    };
    let wanted = Wanted { pages, p2m: P2m::InBootMapping, module: Module::Absent };
    boot_contract::check(checks, start, &wanted);
}
