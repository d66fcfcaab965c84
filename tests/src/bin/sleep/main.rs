//! Time passes, timers wake, and a sleeping kernel halts.
//!
//! Expected: a sleep is never too short, and little too long; a periodic alarm comes as often as it
//! should; while nothing happens, no CPU time is used but for the timer.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use xenolith_guest::{
    StartInfo, check, check_eq, events, irq, println,
    scenario::Checks,
    time::{self, Alarm},
    traps,
};

xenolith_guest::scenario!(run);

static TURNS: AtomicU64 = AtomicU64::new(0);

fn run(checks: &mut Checks, _: &'static StartInfo) {
    check_eq!(checks, traps::install(), Ok(()));
    check_eq!(checks, events::install(), Ok(()));
    if let Err(error) = time::install() {
        return checks.fail(format_args!("timer: {error}"));
    }
    irq::irq_enable();
    println!("{} at {}", time::wall_clock(), time::now());
    for ms in [0, 1, 2, 10, 100] {
        let wanted = Duration::from_millis(ms);
        let before = time::now();
        check_eq!(checks, time::sleep(wanted), Ok(()));
        let slept = time::now() - before;
        check!(checks, slept >= wanted, "{slept:?} instead of {wanted:?}");
        check!(checks, slept < wanted + Duration::from_millis(20), "{slept:?}, not {wanted:?}");
    }
    check_periodic(checks);
}

fn check_periodic(checks: &mut Checks) {
    let period = Duration::from_millis(5);
    let alarm = Alarm {
        deadline: time::now() + period,
        period: Some(period),
        handler: |_| {
            TURNS.fetch_add(1, Relaxed);
        },
    };
    let Ok(id) = time::set_alarm(alarm) else {
        return checks.fail(format_args!("no room for an alarm"));
    };
    check_eq!(checks, time::sleep(Duration::from_millis(202)), Ok(()));
    check!(checks, time::cancel(id).is_some(), "the alarm is there until it is cancelled");
    let turns = TURNS.load(Relaxed);
    check!(checks, (39..=41).contains(&turns), "{turns} turns of 40");
    check_eq!(checks, time::sleep(Duration::from_millis(20)), Ok(()));
    check_eq!(checks, TURNS.load(Relaxed), turns, "turns behind the cancellation");
    check_eq!(checks, time::list().len(), 0, "alarms that are left");
}
