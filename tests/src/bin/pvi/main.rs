//! What CR4.PVI does in 64-bit mode, claim by claim: could VIF stand in for the event mask?
//!
//! On a bare processor with PVI (Bochs has it): CLI, STI, POPF, PUSHF, IRET, SYSCALL and SYSRET in
//! both rings, for each IOPL, IF, VIF and VIP, against the SDM's decision tables (`claims`); then the
//! back end `virtual_flag` in ring 3 with this kernel below it, and interrupts that come meanwhile
//! (`kernel_below`). On a processor without it (QEMU's emulation): nothing of it shows. Under Xenolith the
//! bit is refused like any that a guest has no use for.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

mod claims;
mod kernel_below;

use scenarios::programs::{Stage, exception};
use xenolith_guest::{
    StartInfo, check, check_eq, println,
    probe::{control, cpuid, exception::catch, flags},
    pvops::{self, World},
    scenario::Checks,
};

xenolith_guest::scenario!(run);

/// CR4: protected-mode virtual interrupts.
const PVI: u64 = 1 << 1;

/// CPUID leaf 1, EDX: VME, to which PVI belongs.
const VME: u32 = 1 << 1;

/// The virtual interrupt flag, and that an interrupt is pending.
const VIF: u64 = 1 << 19;
const VIP: u64 = 1 << 20;

fn run(checks: &mut Checks, start: &'static StartInfo) {
    let mut stage = match Stage::build(start) {
        Ok(stage) => stage,
        Err(error) => return checks.fail(format_args!("exceptions: {error}")),
    };
    let is_there = cpuid::read(1, 0).edx & VME != 0;
    if pvops::world() == World::Xenolith {
        return check_refusal(checks, is_there);
    }
    println!("PVI: {}", if is_there { "there" } else { "not there" });
    claims::check(checks, &mut stage, is_there);
    if is_there {
        kernel_below::check(checks, &mut stage);
    }
}

/// Xenolith does not offer it, and says so in both ways.
fn check_refusal(checks: &mut Checks, is_there: bool) {
    check!(checks, !is_there, "CPUID offers it");
    let before = control::cr4();
    check_eq!(checks, before & PVI, 0);
    let fault = catch(|| control::write_cr4(before | PVI));
    let fault = fault.map(|frame| (frame.cause(), frame.error_code));
    check_eq!(checks, fault, Some((exception(13), 0)), "CR4.PVI is set");
    check_eq!(checks, control::cr4(), before);
    flags::set(VIF | VIP);
    check_eq!(checks, xenolith_guest::irq::native_save_flags() & (VIF | VIP), 0, "POPF");
}

/// Switches PVI.
fn set_pvi(is_on: bool) {
    control::write_cr4(control::cr4() & !PVI | if is_on { PVI } else { 0 });
}
