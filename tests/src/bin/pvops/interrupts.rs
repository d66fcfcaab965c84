//! Operations on interrupts or events.

use core::{
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    time::Duration,
};

use xenolith_guest::{
    check, check_eq, events,
    hypercall::xenolith::exit_counts,
    irq::{self, Flags},
    probe::pvops::{native_irq_disable, native_irq_enable},
    pvops::{self, Op},
    scenario::Checks,
    shared_info::shared_info,
    time::{self, Alarm},
};

use crate::{is_bare, tally::Tally};

/// Rounds in which no VM exit may happen.
const ROUNDS: u64 = 100;

pub(crate) fn check(checks: &mut Checks, tally: &mut Tally) {
    check_flag(checks);
    if !is_bare() {
        check_masks(checks);
        check_exits(checks);
    }
    check!(checks, events::install().is_ok(), "events");
    check!(checks, time::install().is_ok(), "timer");
    check_what_waits(checks, "irq_enable", pvops::irq_enable);
    check_what_waits(checks, "restore_fl", || pvops::restore_fl(Flags::IF));
    check_halt(checks);
    tally.covers(&[Op::IrqDisable, Op::IrqEnable, Op::SaveFl, Op::RestoreFl, Op::SafeHalt]);
}

/// Whether interrupts or events are enabled, as the processor or the record has it.
fn is_enabled() -> bool {
    if is_bare() {
        irq::native_save_flags() & Flags::IF.bits() != 0
    } else {
        shared_info().vcpu(0).upcall_mask().load(Relaxed) == 0
    }
}

/// Sets that behind the operations' back.
fn set_enabled(enabled: bool) {
    match (is_bare(), enabled) {
        (true, true) => native_irq_enable(),
        (true, false) => native_irq_disable(),
        (false, _) => shared_info().vcpu(0).upcall_mask().store(u8::from(!enabled), Relaxed),
    }
}

/// The four operations, from either state.
fn check_flag(checks: &mut Checks) {
    let flags = |enabled| if enabled { Flags::IF } else { Flags::DISABLED };
    for before in [true, false] {
        set_enabled(before);
        check_eq!(checks, pvops::save_fl(), flags(before), "save_fl");
        check_eq!(checks, is_enabled(), before, "save_fl changes nothing");
        pvops::restore_fl(Flags::DISABLED);
        check_eq!(checks, is_enabled(), before, "restoring nothing");
        pvops::restore_fl(Flags::IF);
        check_eq!(checks, is_enabled(), true, "restore_fl");
        set_enabled(before);
        pvops::irq_enable();
        check_eq!(checks, is_enabled(), true, "irq_enable");
        set_enabled(before);
        pvops::irq_disable();
        check_eq!(checks, is_enabled(), false, "irq_disable");
    }
}

/// The operations on the mask, whatever value it has.
fn check_masks(checks: &mut Checks) {
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

/// None of them leaves the guest.
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
        // These do nothing here.
        pvops::wbinvd();
        pvops::io_delay();
    }
    let seen = (exits() - before).saturating_sub(asking);
    check!(checks, seen < 5, "{seen} exits in {ROUNDS} rounds");
}

/// Alarms that have been called.
static CALLED: AtomicU32 = AtomicU32::new(0);

fn set_alarm(checks: &mut Checks, wait: Duration) {
    let deadline = time::now() + wait;
    let handler = |_| _ = CALLED.fetch_add(1, Relaxed);
    check!(checks, time::set_alarm(Alarm { deadline, period: None, handler }).is_ok(), "alarm");
}

/// What came while interrupts were disabled is served before `enable` has returned, not earlier.
fn check_what_waits(checks: &mut Checks, name: &str, enable: fn()) {
    pvops::irq_disable();
    let before = CALLED.load(Relaxed);
    set_alarm(checks, Duration::ZERO);
    let start = time::now();
    while time::now() - start < Duration::from_millis(1) {
        core::hint::spin_loop();
    }
    check_eq!(checks, CALLED.load(Relaxed), before, "{name}: not before");
    enable();
    check_eq!(checks, CALLED.load(Relaxed), before + 1, "{name}: at once");
    pvops::irq_disable();
}

/// It waits, with interrupts enabled, until one comes.
fn check_halt(checks: &mut Checks) {
    const WAIT: Duration = Duration::from_millis(2);
    pvops::irq_disable();
    let (before, start) = (CALLED.load(Relaxed), time::now());
    set_alarm(checks, WAIT);
    let mut halts = 0;
    while CALLED.load(Relaxed) == before && halts < 10 {
        pvops::irq_disable();
        pvops::safe_halt();
        halts += 1;
    }
    check_eq!(checks, is_enabled(), true, "safe_halt enables");
    check_eq!(checks, CALLED.load(Relaxed), before + 1, "safe_halt ends with an interrupt");
    // The timer may come early; nothing else comes.
    check!(checks, halts <= 3, "halted {halts} times");
    check!(checks, time::now() - start >= WAIT, "time has passed");
    pvops::irq_disable();
}
