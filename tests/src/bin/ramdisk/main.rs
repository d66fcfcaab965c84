//! A ramdisk for a kernel without note MOD_START_PFN: mapped behind the image, and unharmed.
//!
//! The copy could be cut, shifted or overwritten by what is laid out after it.
//! Expected: the boot contract with the module mapped, every byte that of the pattern, and zeros
//! from its end to the end of its last page. `bytes=` on the command line tells its size. Bare, where
//! there is no contract, the bytes only.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use scenarios::{
    boot_contract::{self, Module, P2m, Wanted},
    ramdisk,
};
use xenolith_guest::{
    StartInfo, check, check_eq, command_line,
    pvops::{self, World},
    scenario::Checks,
};

xenolith_guest::scenario!(run);

fn run(checks: &mut Checks, start: &'static StartInfo) {
    let Some(bytes) = command_line::number(start.command_line(), "bytes") else {
        return checks.error(format_args!("no bytes= on the command line"));
    };
    if pvops::world() == World::Xenolith {
        let module = Module::InBootMapping(bytes);
        let wanted = Wanted { pages: 16384, p2m: P2m::InBootMapping, module };
        boot_contract::check(checks, start, &wanted);
    }
    let Some(content) = start.module_bytes() else {
        return check!(checks, false, "the module is not mapped");
    };
    check_eq!(checks, content.len() as u64, bytes.next_multiple_of(4096), "length");
    let wrong = content.iter().zip(0..).find(|&(&byte, at)| {
        let wanted = if (at as u64) < bytes { ramdisk::pattern_byte(at) } else { 0 };
        byte != wanted
    });
    check_eq!(checks, wrong, None, "first wrong byte and its place");
}
