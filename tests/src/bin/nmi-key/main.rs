//! The key that sends a domain an NMI.
//!
//! It is for kernels that are stuck, so it must come where no event would: into a loop with events
//! masked, and to a vCPU that sleeps. Nothing else exits there, so nothing else would deliver it.
//! Expected: each time one NMI, its frame where the kernel was; a sleep that ends; without a callback
//! no more than a line of log.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use scenarios::typing;
use xenolith_guest::{
    StartInfo, check, check_eq,
    entry::{self, PtRegs},
    hypercall::{nmi::unregister_callback, sched},
    irq, println,
    probe::callbacks,
    scenario::Checks,
    traps,
};

xenolith_guest::scenario!(run);

/// Rounds of a loop before it gives up.
const PATIENCE: u32 = 1 << 30;

static COUNT: AtomicU32 = AtomicU32::new(0);
static RIP: AtomicU64 = AtomicU64::new(0);

fn note(frame: &mut PtRegs) {
    COUNT.fetch_add(1, Relaxed);
    RIP.store(frame.rip, Relaxed);
}

#[expect(clippy::fn_to_numeric_cast_any, reason = "it is to be known where the loop is")]
fn run(checks: &mut Checks, _: &'static StartInfo) {
    traps::set_nmi_handler(Some(note));
    check_eq!(checks, callbacks::register_nmi(entry::nmi_address()), Ok(()));
    irq::irq_disable();
    println!("stuck in a loop");
    let rounds = stuck();
    check!(checks, rounds < PATIENCE, "an NMI comes into a loop");
    check_eq!(checks, COUNT.load(Relaxed), 1, "NMIs in the loop");
    let start = (stuck as *const ()).addr() as u64;
    let rip = RIP.load(Relaxed);
    check!(checks, (start..start + 256).contains(&rip), "{rip:#x} is in the loop at {start:#x}");
    println!("asleep");
    check_eq!(checks, sched::block(), Ok(()), "a sleep ends");
    check_eq!(checks, COUNT.load(Relaxed), 2, "NMIs while asleep");
    irq::irq_disable();
    check_eq!(checks, unregister_callback(), Ok(()));
    println!("without a callback");
    let typed = typing::line();
    check!(checks, typed == b"x\r", "typed: {}", typed.escape_ascii());
    check_eq!(checks, COUNT.load(Relaxed), 2, "NMIs without a callback");
}

/// Waits for an NMI, with nothing that exits.
#[inline(never)]
fn stuck() -> u32 {
    (0..PATIENCE).find(|_| COUNT.load(Relaxed) != 0).unwrap_or(PATIENCE)
}
