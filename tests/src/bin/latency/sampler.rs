//! Has events come while calls are made, and notes how long each has taken.

use alloc::vec::Vec;
use core::sync::atomic::{
    AtomicBool, AtomicU64,
    Ordering::{Relaxed, SeqCst},
    compiler_fence,
};

use xenolith_guest::{
    abi::event_channel::VIRQ_TIMER,
    clock::ticks,
    events::{self, Port},
    hypercall::{
        Errno,
        event_channel::{Virq, bind_virq},
        sched, timer,
    },
    irq::{self, EventsOffLock},
    print, println,
    probe::{arrival, hypercall::syscall},
    time,
    vcpu::VcpuId,
};

use crate::stage::{LongCall, Stage};

/// Samples of a call.
const SAMPLES: usize = 250;
/// Rounds after which a call is so short that hardly an event meets it.
const MAX_ROUNDS: u32 = 20_000;
/// Instructions from setting the timer to the call.
const ENTRY: u64 = 300;
/// Samples in a line.
const IN_LINE: usize = 8;
/// Instructions in which the line sends what has been printed, at most.
const DRAIN: u64 = 8_000_000;

/// Whether a call is being made, and since when.
static IN_CALL: AtomicBool = AtomicBool::new(false);
static BEGAN: AtomicU64 = AtomicU64::new(0);
/// When the timer is due, by the time-stamp counter; how far from one time to the next, at least.
static DUE: AtomicU64 = AtomicU64::new(0);
static GAP: AtomicU64 = AtomicU64::new(0);
/// The state of a generator of numbers that are spread out.
static SPREAD: AtomicU64 = AtomicU64::new(1);
/// Moments in the call, and how long events took that were due then.
static FOUND: EventsOffLock<Vec<(u64, u64)>> = EventsOffLock::new(Vec::new());

/// Takes the timer.
///
/// # Errors
///
/// The hypervisor's.
pub(crate) fn install() -> Result<(), Errno> {
    let port = bind_virq(Virq(VIRQ_TIMER), VcpuId::BOOT)?;
    events::set_handler(port, arrived);
    events::unmask(port);
    Ok(())
}

/// Makes a call again and again, and prints what has been found.
pub(crate) fn measure(call: &LongCall, stage: &mut Stage) {
    *FOUND.lock() = Vec::with_capacity(SAMPLES);
    GAP.store(call.gap, Relaxed);
    irq::irq_disable();
    (call.set_up)(stage);
    let (mut last, mut longest) = (call.gap, 0);
    for _ in 0..call.rounds.min(MAX_ROUNDS) {
        irq::irq_disable();
        (call.prepare)(stage);
        let (number, arguments) = (call.call)(stage);
        // What has been due meanwhile is served now.
        irq::irq_enable();
        arm(ENTRY + spread() % last);
        let result = make(number, arguments);
        last = ticks() - BEGAN.load(Relaxed);
        longest = longest.max(last);
        assert_eq!(result, call.result, "{}", call.name);
        if FOUND.lock().len() == SAMPLES {
            break;
        }
    }
    irq::irq_disable();
    timer::set(None).expect("the timer can be stopped");
    print(call.name, longest);
}

/// Makes a call of which events are to be counted.
fn make(number: u32, arguments: [u64; 5]) -> i64 {
    BEGAN.store(ticks(), Relaxed);
    IN_CALL.store(true, Relaxed);
    compiler_fence(SeqCst);
    let result = syscall(number.into(), arguments);
    compiler_fence(SeqCst);
    IN_CALL.store(false, Relaxed);
    result
}

/// Serves the timer: takes the sample, and sets the timer again.
fn arrived(_: Port) {
    let (due, began) = (DUE.load(Relaxed), BEGAN.load(Relaxed));
    // In between it was set to another time, which is still to come.
    let Some(latency) = arrival::entered().checked_sub(due) else { return };
    if IN_CALL.load(Relaxed) && due > began {
        let mut found = FOUND.lock();
        if found.len() < SAMPLES {
            found.push((due - began, latency));
        }
    }
    let gap = GAP.load(Relaxed);
    arm(gap + spread() % gap);
}

/// Sets the timer to so many instructions from now.
fn arm(instructions: u64) {
    let due = ticks() + instructions;
    DUE.store(due, Relaxed);
    timer::set(Some(time::record().at(due))).expect("the timer can be set");
}

/// Returns one of numbers that are spread out.
fn spread() -> u64 {
    /// A multiplier of a full period modulo 2^64 (Knuth's MMIX).
    const MULTIPLIER: u64 = 6_364_136_223_846_793_005;
    let state = SPREAD.load(Relaxed).wrapping_mul(MULTIPLIER).wrapping_add(1);
    SPREAD.store(state, Relaxed);
    state >> 33
}

/// Prints the samples of a call, and waits until the line has sent them.
fn print(name: &str, longest: u64) {
    println!();
    println!("call: {name} | {longest}");
    let found = core::mem::take(&mut *FOUND.lock());
    for samples in found.chunks(IN_LINE) {
        print!("samples:");
        for (moment, latency) in samples {
            print!(" {moment}:{latency}");
        }
        println!();
    }
    let begin = ticks();
    while ticks() - begin < DRAIN {
        let _ = sched::yield_now();
    }
}
