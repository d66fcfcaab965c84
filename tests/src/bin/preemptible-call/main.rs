//! Long hypercalls, with and without leave to schedule in them.
//!
//! In a kernel without preemption, events must come in any long call, but another task may run only
//! in a call that is marked preemptible. A mark that is lost would let no other task run a second
//! time; one that sticks would let others run in a call that is not marked.
//! The calls are long in different ways: text waits for the line, lists are the hypervisor's work.
//! Expected: exactly that; and grace periods of RCU end in the marked call, not in the other. In a
//! preemptible kernel others run in both.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

mod calls;

use calls::Call;
use core::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use xenolith_guest::{
    StartInfo, check, check_eq, context, events,
    probe::Window,
    rcu,
    scenario::Checks,
    tasks::{self, Preemption},
    time::{self, Alarm},
};

xenolith_guest::scenario!(run);

/// Turns of the other task's loop.
static TURNS: AtomicU64 = AtomicU64::new(0);
static STOP: AtomicBool = AtomicBool::new(false);

/// What happened in a call.
struct Observed {
    upcalls: u64,
    /// Turns of the other task.
    turns: u64,
    /// How often the caller was preempted in it, and how often as in a preemptible call.
    preempted: u64,
    in_call: u64,
    /// Whether a callback of RCU that was due before has been run.
    reclaimed: bool,
}

/// Looks at what happens while `call` makes the hypercall.
fn observe(checks: &mut Checks, call: impl FnOnce() -> bool) -> Observed {
    static RECLAIMED: AtomicBool = AtomicBool::new(false);
    RECLAIMED.store(false, Relaxed);
    rcu::call(|| RECLAIMED.store(true, Relaxed));
    let account = tasks::current().account;
    let (upcalls, turns) = (events::upcalls(), TURNS.load(Relaxed));
    check!(checks, call(), "the call succeeds");
    let reclaimed = RECLAIMED.load(Relaxed);
    let (upcalls, turns) = (events::upcalls() - upcalls, TURNS.load(Relaxed) - turns);
    let now = tasks::current().account;
    let preempted = now.preempted - account.preempted;
    let in_call = now.preempted_in_call - account.preempted_in_call;
    // Whatever is left of the callback, before the next.
    tasks::sleep(Duration::from_millis(50));
    check!(checks, RECLAIMED.load(Relaxed), "the callback was run in the end");
    Observed { upcalls, turns, preempted, in_call, reclaimed }
}

fn run(checks: &mut Checks, start: &'static StartInfo) {
    if scenarios::tasks::start(checks, start).is_none() {
        return;
    }
    let other = tasks::spawn("other", || {
        while !STOP.load(Relaxed) {
            TURNS.fetch_add(1, Relaxed);
            tasks::cond_resched();
        }
        TURNS.load(Relaxed)
    });
    // Events to come in each call, whoever may run.
    let period = Some(Duration::from_millis(20));
    let alarm = Alarm { deadline: time::now(), period, handler: |_| {} };
    check!(checks, time::set_alarm(alarm).is_ok(), "an alarm");
    let full = tasks::preemption() == Preemption::Full;
    let mut window = Window::take(start);
    for (name, prepare) in calls::KINDS {
        for _ in 0..2 {
            let call = prepare(&mut window, start);
            check_plain(checks, name, call, full);
            let call = prepare(&mut window, start);
            check_preemptible(checks, name, call, full);
        }
    }
    check_mark(checks);
    STOP.store(true, Relaxed);
    let turns = other.map(tasks::join);
    check!(checks, matches!(turns, Ok(Ok(1..))), "the other task: {turns:?}");
    check!(checks, time::ticks() > 20, "{} events of the timer", time::ticks());
}

/// The mark is the caller's: gone while another task runs, there again behind it, and left alone by
/// a call inside the call.
fn check_mark(checks: &mut Checks) {
    let context = context::current();
    let look = || {
        let marked = context.take_preemptible_call();
        context.set_preemptible_call(marked);
        marked
    };
    let other = tasks::spawn("look", move || u64::from(look()));
    tasks::preemptible_call(|| {
        check!(checks, look(), "marked");
        check_eq!(checks, other.map(tasks::join), Ok(Ok(0)), "the mark of another task");
        check!(checks, look(), "marked behind another task");
        tasks::preemptible_call(|| ());
        check!(checks, look(), "marked behind a call inside");
    });
    check!(checks, !look(), "no mark is left");
}

fn check_plain(checks: &mut Checks, name: &str, call: Call, full: bool) {
    let seen = observe(checks, || call.make());
    check!(checks, seen.upcalls > 3, "{} upcalls, {name}", seen.upcalls);
    check_eq!(checks, seen.in_call, 0, "as in a preemptible call, {name}");
    check_eq!(checks, seen.turns > 0, full, "the other task in a normal call, {name}");
    check_eq!(checks, seen.preempted > 0, full, "preempted in a normal call, {name}");
    check_eq!(checks, seen.reclaimed, full, "a grace period in a normal call, {name}");
}

fn check_preemptible(checks: &mut Checks, name: &str, call: Call, full: bool) {
    let seen = observe(checks, || tasks::preemptible_call(|| call.make()));
    check!(checks, seen.turns > 0, "the other task in a preemptible call, {name}");
    check!(checks, seen.preempted > 3, "preempted {} times, {name}", seen.preempted);
    let in_call = if full { 0 } else { seen.preempted };
    check_eq!(checks, seen.in_call, in_call, "as in a preemptible call, {name}");
    check!(checks, seen.reclaimed, "a grace period in a preemptible call, {name}");
}
