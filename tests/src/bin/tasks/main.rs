//! Kernel threads: preempted, woken in order, joined, charged for what they use.
//!
//! Registers or flags lost in a change of tasks show as wrong sums; a task forgotten, as a hang.
//! Expected: tasks that never give up the vCPU share it evenly; sleeps are not too short; who waits
//! first is woken first; the time of all tasks together is the time that passed.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::{sync::Arc, vec::Vec};
use core::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use xenolith_guest::{
    StartInfo, check, check_eq,
    clock::ticks,
    entry::{Cause, Vector},
    events,
    hypercall::event_channel::{bind_ipi, send},
    irq::{self, EventsOffLock},
    println,
    probe::{exception, raise},
    rcu::{self, RcuCell},
    scenario::Checks,
    tasks::{self, Full, NoSuchTask, Task, TaskId, WaitQueue},
    time::{self, Alarm},
    vcpu::VcpuId,
};

xenolith_guest::scenario!(run);

fn run(checks: &mut Checks, start: &'static StartInfo) {
    if scenarios::tasks::start(checks, start).is_none() {
        return;
    }
    check_results(checks);
    check_sharing(checks);
    check_sleep(checks);
    check_wait_queue(checks);
    check_disabled_preemption(checks);
    check_rcu(checks);
    check_exceptions(checks);
    check_without_alarms(checks);
    show_costs();
    check_many(checks);
    check_accounts(checks);
}

fn spawn(checks: &mut Checks, name: &str, body: impl FnOnce() -> u64 + Send + 'static) -> TaskId {
    match tasks::spawn(name, body) {
        Ok(id) => id,
        Err(error) => {
            checks.fail(format_args!("{name}: {error:?}"));
            tasks::current().id
        }
    }
}

fn task(id: TaskId) -> Option<Task> {
    tasks::list().into_iter().find(|task| task.id == id)
}

fn check_results(checks: &mut Checks) {
    let id = spawn(checks, "answer", || 42);
    check_eq!(checks, tasks::join(id), Ok(42));
    check_eq!(checks, tasks::join(id), Err(NoSuchTask), "a second time");
    // One that has ended long before it is joined, and one that nobody joins.
    let early = spawn(checks, "early", || 7);
    let forgotten = spawn(checks, "forgotten", || 8);
    check_eq!(checks, tasks::detach(forgotten), Ok(()));
    tasks::sleep(Duration::from_millis(5));
    check_eq!(checks, tasks::join(early), Ok(7));
    check_eq!(checks, tasks::join(forgotten), Err(NoSuchTask), "a task that was forgotten");
}

/// Runs for so long, by the clock; returns how many turns of its loop that took.
fn spin(duration: Duration) -> u64 {
    let end = time::now() + duration;
    let mut turns = 0;
    while time::now() < end {
        turns += 1;
    }
    turns
}

fn check_sharing(checks: &mut Checks) {
    const PERIOD: Duration = Duration::from_millis(300);
    const MOST: Duration = Duration::from_millis(280);
    let ids = [0, 1, 2].map(|_| spawn(checks, "spinner", || spin(PERIOD)));
    tasks::sleep(MOST);
    let accounts = ids.map(|id| task(id).map(|task| task.account).unwrap_or_default());
    for account in accounts {
        let ran = account.ran;
        check!(checks, (70..120).contains(&ran.as_millis()), "{ran:?} of a third of 280 ms");
        check!(checks, account.preempted >= 7, "preempted {} times", account.preempted);
        check_eq!(checks, account.preempted_in_call, 0);
    }
    let turns = ids.map(|id| tasks::join(id).unwrap_or(0));
    let (least, most) = (turns.iter().min().copied(), turns.iter().max().copied());
    check!(checks, least > Some(0) && most <= least.map(|it| it * 2), "turns {turns:?}");
}

fn check_sleep(checks: &mut Checks) {
    for ms in [0, 1, 3, 20] {
        let (wanted, before) = (Duration::from_millis(ms), time::now());
        tasks::sleep(wanted);
        let slept = time::now() - before;
        check!(checks, slept >= wanted, "{slept:?} instead of {wanted:?}");
        check!(checks, slept < wanted + Duration::from_millis(10), "{slept:?}, not {wanted:?}");
    }
    check!(checks, irq::save_fl().is_enabled(), "events are enabled behind a sleep");
}

fn check_wait_queue(checks: &mut Checks) {
    static QUEUE: WaitQueue = WaitQueue::new();
    static TOKENS: AtomicU64 = AtomicU64::new(0);
    static ORDER: EventsOffLock<Vec<u64>> = EventsOffLock::new(Vec::new());
    let take = || TOKENS.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).ok();
    let ids = [1, 2, 3].map(|number| {
        spawn(checks, "waiter", move || {
            QUEUE.wait_for(take);
            ORDER.lock().push(number);
            number
        })
    });
    tasks::sleep(Duration::from_millis(1));
    check_eq!(checks, ORDER.lock().len(), 0, "nobody goes on without a token");
    QUEUE.wake_all();
    tasks::sleep(Duration::from_millis(1));
    check_eq!(checks, ORDER.lock().len(), 0, "nor when woken in vain");
    for _ in 0..3 {
        TOKENS.fetch_add(1, Relaxed);
        check!(checks, QUEUE.wake_one(), "somebody waits");
        tasks::sleep(Duration::from_millis(1));
    }
    check_eq!(checks, ids.map(tasks::join), [Ok(1), Ok(2), Ok(3)]);
    check_eq!(checks, *ORDER.lock(), [1, 2, 3], "in the order in which they came");
    check!(checks, !QUEUE.wake_one(), "nobody is left");
    let deadline = time::now() + Duration::from_millis(2);
    check_eq!(checks, QUEUE.wait_until(deadline, || None::<()>), None, "a wait with a deadline");
    check!(checks, time::now() >= deadline, "until then");
}

fn check_disabled_preemption(checks: &mut Checks) {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let id = spawn(checks, "counter", || COUNT.fetch_add(1, Relaxed));
    let guard = tasks::disable_preemption();
    spin(Duration::from_millis(30));
    check_eq!(checks, COUNT.load(Relaxed), 0, "another task while preemption was disabled");
    drop(guard);
    check_eq!(checks, COUNT.load(Relaxed), 1, "as soon as it is enabled");
    check_eq!(checks, tasks::join(id), Ok(0));
}

/// Readers see a value or the next, never one that was freed (and poisoned by being dropped).
fn check_rcu(checks: &mut Checks) {
    struct Value(AtomicU64);
    impl Drop for Value {
        fn drop(&mut self) {
            self.0.store(u64::MAX, Relaxed);
        }
    }
    let cell = Arc::new(RcuCell::new(Value(AtomicU64::new(0))));
    let readers = [0, 1].map(|_| {
        let cell = Arc::clone(&cell);
        spawn(checks, "reader", move || {
            let (mut last, end) = (0, time::now() + Duration::from_millis(100));
            while time::now() < end {
                let reader = rcu::read_lock();
                let value = cell.read(&reader);
                let first = value.0.load(Relaxed);
                spin(Duration::from_millis(3));
                let second = value.0.load(Relaxed);
                if first != second || first < last || first == u64::MAX {
                    return u64::MAX;
                }
                last = first;
            }
            last
        })
    });
    let before = rcu::grace_periods();
    for number in 1..=8 {
        cell.replace(Value(AtomicU64::new(number)));
        tasks::sleep(Duration::from_millis(10));
    }
    check!(checks, rcu::grace_periods() >= before + 8, "grace periods");
    for reader in readers {
        let last = tasks::join(reader);
        check!(checks, matches!(last, Ok(1..=8)), "a reader saw {last:?} last");
    }
}

/// Each task gets back to its own point from exceptions, whoever ran meanwhile.
fn check_exceptions(checks: &mut Checks) {
    let ids = [1, 2].map(|number| {
        spawn(checks, "faulty", move || {
            for _ in 0..3 {
                let caught = exception::catch(|| {
                    spin(Duration::from_millis(15));
                    raise::invalid_opcode_with_stack(number);
                });
                if caught.map(|frame| frame.cause()) != Some(Cause::Exception(Vector(6))) {
                    return 0;
                }
            }
            number
        })
    });
    check_eq!(checks, ids.map(tasks::join), [Ok(1), Ok(2)]);
}

/// Tasks are woken and preempted however many alarms others have set.
fn check_without_alarms(checks: &mut Checks) {
    let far =
        Alarm { deadline: time::now() + Duration::from_secs(1000), period: None, handler: |_| {} };
    let mut alarms = Vec::new();
    while let Ok(id) = time::set_alarm(far) {
        alarms.push(id);
    }
    check_sleep(checks);
    for id in alarms {
        check!(checks, time::cancel(id).is_some(), "an alarm");
    }
}

/// Prints what a change of tasks and an upcall cost, in ticks: instructions, where the emulator counts them.
fn show_costs() {
    const ROUNDS: u64 = 1000;
    let other = tasks::spawn("other", || {
        (0..ROUNDS).for_each(|_| tasks::schedule());
        0
    });
    let before = ticks();
    (0..ROUNDS).for_each(|_| tasks::schedule());
    let cost = (ticks() - before) / (2 * ROUNDS);
    println!("a change of tasks: {cost} ticks");
    let _ = other.map(tasks::join);
    if let Ok(port) = bind_ipi(VcpuId::BOOT) {
        events::set_handler(port, |_| {});
        events::unmask(port);
        let before = ticks();
        (0..ROUNDS).for_each(|_| _ = send(port));
        println!("an event to oneself: {} ticks", (ticks() - before) / ROUNDS);
    }
}

/// As many as there can be, twice: places and stacks are used again.
fn check_many(checks: &mut Checks) {
    for round in 0..2 {
        let (mut ids, mut sum) = (Vec::new(), 0);
        loop {
            let number = ids.len() as u64;
            match tasks::spawn("many", move || number) {
                Ok(id) => ids.push(id),
                Err(Full) => break,
            }
        }
        let count = ids.len() as u64;
        check_eq!(checks, count, tasks::PLACES as u64 - 3, "round {round}");
        for id in ids {
            sum += tasks::join(id).unwrap_or(0);
        }
        check_eq!(checks, sum, count * (count - 1) / 2, "results of round {round}");
    }
}

fn check_accounts(checks: &mut Checks) {
    let sum = || tasks::list().iter().map(|task| task.account.ran).sum::<Duration>();
    let (before, start) = (sum(), time::now());
    tasks::sleep(Duration::from_millis(30));
    spin(Duration::from_millis(5));
    let (ran, passed) = (sum().saturating_sub(before), time::now() - start);
    let error = ran.abs_diff(passed);
    check!(checks, error < Duration::from_millis(1), "{ran:?} charged, {passed:?} passed");
    let idle = tasks::list().iter().find(|task| task.id != tasks::current().id).copied();
    check!(checks, idle.is_some_and(|idle| !idle.account.ran.is_zero()), "the vCPU was idle");
}
