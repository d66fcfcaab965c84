//! A million times events off and on again, under a fast timer and events that the kernel sends to
//! itself: every one is accounted for.
//!
//! An event can be lost where it meets the store that enables, the test behind it, or the way back
//! from the upcall before; and be doubled where a window is entered again. The timer's moments
//! wander over all of these instructions.
//! Expected: as many events served as were armed and sent, none early, none while disabled, and
//! nothing left.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use scenarios::events::{check_nothing_left, install, ipi, spin_until, virq};
use xenolith_guest::{
    StartInfo,
    abi::event_channel::VIRQ_TIMER,
    check, check_eq,
    events::{self, Port},
    hypercall::{event_channel::send, timer},
    irq, println,
    scenario::Checks,
    time,
};

xenolith_guest::scenario!(run);

const PAIRS: u64 = 1_000_000;

/// The shortest time between two events of the timer: 4 kHz, or some 5000 instructions.
const PERIOD_NS: u64 = 150_000;
/// What is added to it wanders up to this.
const SPREAD_NS: u64 = 200_000;

/// Pairs in which the kernel sends to itself: one of so many.
const SENDS: u64 = 16;

static ARMED: AtomicU64 = AtomicU64::new(0);
static EXPIRED: AtomicU64 = AtomicU64::new(0);
/// Whether a one-shot is out, and when it is due.
static IS_OUT: AtomicBool = AtomicBool::new(false);
static DEADLINE_NS: AtomicU64 = AtomicU64::new(0);
static STOPPED: AtomicBool = AtomicBool::new(false);

/// One-shots that came although none was out; came early; and events that came while disabled.
static DOUBLED: AtomicU64 = AtomicU64::new(0);
static EARLY: AtomicU64 = AtomicU64::new(0);
static TORN: AtomicU64 = AtomicU64::new(0);

/// Equal whenever events are enabled.
static FIRST: AtomicU64 = AtomicU64::new(0);
static SECOND: AtomicU64 = AtomicU64::new(0);

static SENT: AtomicU64 = AtomicU64::new(0);

fn note(counter: &AtomicU64) {
    counter.store(counter.load(Relaxed) + 1, Relaxed);
}

fn look_at_section() {
    if FIRST.load(Relaxed) != SECOND.load(Relaxed) {
        note(&TORN);
    }
}

fn arm() {
    let spread = ARMED.load(Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15) % SPREAD_NS;
    let deadline = time::now() + Duration::from_nanos(PERIOD_NS + spread);
    DEADLINE_NS.store(deadline.ns(), Relaxed);
    IS_OUT.store(true, Relaxed);
    note(&ARMED);
    if timer::set(Some(deadline)).is_err() {
        STOPPED.store(true, Relaxed);
    }
}

fn on_timer(_: Port) {
    look_at_section();
    note(&EXPIRED);
    if !IS_OUT.swap(false, Relaxed) {
        note(&DOUBLED);
    }
    if time::now().ns() < DEADLINE_NS.load(Relaxed) {
        note(&EARLY);
    }
    if !STOPPED.load(Relaxed) {
        arm();
    }
}

fn run(checks: &mut Checks, _: &'static StartInfo) {
    install(checks);
    let (Ok(timer), Ok(own)) = (virq(VIRQ_TIMER, on_timer), ipi(|_| look_at_section())) else {
        return checks.fail(format_args!("no ports"));
    };
    irq::irq_enable();
    let start = time::now();
    arm();
    let wrong = (0..PAIRS).filter(|&pair| !is_right(pair, own)).count();
    let lasted = time::now() - start;
    check_eq!(checks, wrong, 0, "pairs after which an event was missing, or was too many");
    finish(checks);
    let expired = EXPIRED.load(Relaxed);
    println!("{PAIRS} pairs, {expired} one-shots, {} sent in {lasted:?}", SENT.load(Relaxed));
    check_eq!(checks, SECOND.load(Relaxed), PAIRS);
    check_eq!(checks, expired, ARMED.load(Relaxed), "one-shots served and armed");
    check_eq!(checks, events::count(timer), expired, "the port's count of one-shots");
    check_eq!(checks, events::count(own), SENT.load(Relaxed), "events served and sent");
    check_eq!(checks, SENT.load(Relaxed), PAIRS / SENDS);
    for (what, counter) in [("doubled", &DOUBLED), ("early", &EARLY), ("while disabled", &TORN)] {
        check_eq!(checks, counter.load(Relaxed), 0, "events {what}");
    }
    let mean = u64::try_from(lasted.as_nanos()).unwrap_or(u64::MAX) / expired.max(1);
    check!(checks, mean < 1_000_000, "a one-shot every {mean} ns is below 1 kHz");
    check_nothing_left(checks);
}

/// Makes one pair, in one of the ways there are; returns whether what was sent came, and once.
fn is_right(pair: u64, own: Port) -> bool {
    let sends = pair.is_multiple_of(SENDS);
    match pair / SENDS % 4 {
        0 => {
            irq::irq_disable();
            section(sends, own);
            irq::irq_enable();
        }
        1 => {
            let before = irq::save_fl();
            irq::irq_disable();
            section(sends, own);
            irq::restore_fl(before);
        }
        2 => {
            let _outer = irq::disable_for_now();
            let _inner = irq::disable_for_now();
            section(sends, own);
        }
        // The port's own mask holds the event back, and not that of all.
        _ => {
            events::mask(own);
            if sends {
                send_to(own);
            }
            events::unmask(own);
            let _guard = irq::disable_for_now();
            section(false, own);
        }
    }
    events::count(own) == SENT.load(Relaxed)
}

/// What no upcall may see half done.
fn section(sends: bool, own: Port) {
    note(&FIRST);
    if sends {
        send_to(own);
    }
    note(&SECOND);
}

fn send_to(own: Port) {
    if send(own).is_ok() {
        note(&SENT);
    }
}

/// Waits until the last one-shot has come.
fn finish(checks: &mut Checks) {
    STOPPED.store(true, Relaxed);
    let has_come = spin_until(Duration::from_millis(100), || !IS_OUT.load(Relaxed));
    check!(checks, has_come, "the last one-shot");
}
