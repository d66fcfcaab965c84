//! Tasks, fast timers and all long hypercalls at once, for a long time, with every result checked.
//!
//! What a change of tasks in the middle of a call could lose: arguments, the count of what was done,
//! the mark of the call, a wake-up. Each would show sooner or later as a wrong word, a wrong count,
//! a late sleeper or a hang.
//! Expected: nothing of the kind, in calls that go on by themselves (inline and by page) and in calls
//! made piece by piece; each job done in each form; many changes of tasks in both.
//!
//! On the command line: `preempt=none|full`, `seconds=` how long, `seed=` which jobs, `period_us=` how
//! often an event comes besides the scheduler's. For an hour of the machine's time, behind
//! `cargo xtask test scenario/tasks-soak`, which builds it:
//!
//! ```text
//! cargo xtask run --guest target/x86_64-unknown-none/release/tasks-soak \
//!     --append "preempt=none seconds=3600 seed=7"
//! ```
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

mod jobs;

use alloc::{format, vec::Vec};
use core::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use jobs::Form;
use scenarios::long_calls::Worker;
use xenolith_guest::{
    StartInfo, check, check_eq, command_line,
    hypercall::memory::current_reservation,
    println,
    probe::Window,
    rcu,
    scenario::Checks,
    tasks::{self, TaskId, WaitQueue},
    time::{self, Alarm, SystemTime},
};

xenolith_guest::scenario!(run);

/// Sleeps again and again; returns how often, or 0 if one was too short.
fn sleep(end: SystemTime) -> u64 {
    let mut count = 0;
    while time::now() < end {
        let wanted = Duration::from_micros(500 + 137 * (count % 50));
        let before = time::now();
        tasks::sleep(wanted);
        if time::now() - before < wanted {
            return 0;
        }
        count += 1;
    }
    count
}

/// Hands a token to and fro with its twin; returns how often.
fn pass(side: u64, end: SystemTime) -> u64 {
    static TOKEN: AtomicU64 = AtomicU64::new(0);
    static PASSED: WaitQueue = WaitQueue::new();
    let mut count = 0;
    while time::now() < end {
        let deadline = end + Duration::from_millis(1);
        let mine = PASSED.wait_until(deadline, || (TOKEN.load(Relaxed) % 2 == side).then_some(()));
        if mine.is_some() {
            TOKEN.fetch_add(1, Relaxed);
            count += 1;
            PASSED.wake_all();
        }
        let reader = rcu::read_lock();
        drop(reader);
    }
    count
}

fn run(checks: &mut Checks, start: &'static StartInfo) {
    if scenarios::tasks::start(checks, start).is_none() {
        return;
    }
    let number =
        |name, default| command_line::number(start.command_line(), name).unwrap_or(default);
    let [seconds, seed] = [number("seconds", 5), number("seed", 1)];
    let period = Some(Duration::from_micros(number("period_us", 400)));
    let alarm = Alarm { deadline: time::now(), period, handler: |_| {} };
    check!(checks, time::set_alarm(alarm).is_ok(), "an alarm");
    let window = Window::take(start);
    let pages = current_reservation();
    let end = time::now() + Duration::from_secs(seconds);
    let mut ids: Vec<(&str, TaskId)> = Vec::new();
    for (index, form) in Form::ALL.into_iter().enumerate() {
        let worker = Worker::new(&window, start, index, seed);
        add(checks, &mut ids, form.name(), move || jobs::work(worker, form, seed, end));
    }
    add(checks, &mut ids, "sleeper", move || sleep(end));
    for side in 0..2 {
        add(checks, &mut ids, "passer", move || pass(side, end));
    }
    tasks::sleep(Duration::from_secs(seconds).saturating_sub(Duration::from_millis(50)));
    for (name, id) in ids {
        let accounts = tasks::list();
        let account = accounts.iter().find(|task| task.id == id).map(|task| task.account);
        let result = tasks::join(id);
        println!("{name}: {result:?} rounds, {account:?}");
        check!(checks, matches!(result, Ok(1..0x8000_0000)), "{name}: {result:x?} rounds");
        if name.starts_with("whole") {
            let preempted = account.unwrap_or_default().preempted;
            check!(checks, preempted > 10 * seconds, "{name}: preempted {preempted} times");
        }
    }
    jobs::check(checks, seconds);
    check_eq!(checks, current_reservation(), pages, "memory at the end");
    let left = format!("{:?}", tasks::list());
    check_eq!(checks, tasks::list().len(), 3, "tasks that are left: {left}");
}

fn add(
    checks: &mut Checks,
    ids: &mut Vec<(&str, TaskId)>,
    name: &'static str,
    body: impl FnOnce() -> u64 + Send + 'static,
) {
    match tasks::spawn(name, body) {
        Ok(id) => ids.push((name, id)),
        Err(error) => checks.fail(format_args!("{name}: {error:?}")),
    }
}
