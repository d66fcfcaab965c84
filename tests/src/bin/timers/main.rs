//! The timers of a vCPU: when VIRQ_TIMER comes, and when it does not.
//!
//! A deadline that has passed must not be lost, one far away must not come early because the
//! hardware timer cannot reach it, and a timer that was stopped or set anew must not come for its
//! old deadline.
//! Expected: never early, little late, once; `-ETIME` for the past with the flag only; both ways to
//! set the one-shot set the same one; the periodic one keeps its rhythm beside it.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use scenarios::{
    buffers::Buffers,
    calls::call,
    events::{check_nothing_left, install, spin_until, virq},
};
use xenolith_guest::{
    StartInfo,
    abi::{
        errno::{EFAULT, EINVAL, ENOENT, ETIME},
        event_channel::VIRQ_TIMER,
        hypercall::VCPU_OP,
        vcpu,
    },
    check, check_eq,
    events::{self, Port},
    hypercall::{
        Errno, timer,
        vcpu::{
            Past, set_periodic_timer, set_singleshot_timer, stop_periodic_timer,
            stop_singleshot_timer,
        },
    },
    irq,
    scenario::Checks,
    time::{self, SystemTime},
    vcpu::VcpuId,
};

xenolith_guest::scenario!(run);

const THIS: VcpuId = VcpuId::BOOT;
const MS: u64 = 1_000_000;
/// How late an event may be: some thousand instructions.
const LATE: Duration = Duration::from_micros(300);

/// When the last event was served.
static SERVED_NS: AtomicU64 = AtomicU64::new(0);

/// A way to set the one-shot timer.
type Set = fn(SystemTime) -> Result<(), Errno>;

const WAYS: [(&str, Set); 3] = [
    ("set_timer_op", |deadline| timer::set(Some(deadline))),
    ("one-shot", |deadline| set_singleshot_timer(THIS, deadline, Past::ExpiresAtOnce)),
    ("one-shot in the future", |deadline| set_singleshot_timer(THIS, deadline, Past::IsAnError)),
];

fn run(checks: &mut Checks, start: &'static StartInfo) {
    install(checks);
    let served = |_| SERVED_NS.store(time::now().ns(), Relaxed);
    let Ok(port) = virq(VIRQ_TIMER, served) else { return checks.fail(format_args!("no port")) };
    irq::irq_enable();
    for (name, set) in WAYS {
        check_deadlines(checks, port, name, set);
        check_stopping(checks, port, name, set);
    }
    check_past(checks, port);
    check_far(checks, port);
    check_masked(checks, port);
    check_period_limits(checks, port);
    check_periodic(checks, port);
    check_both(checks, port);
    check_arguments(checks, &Buffers::new(start));
    irq::irq_disable();
    check_nothing_left(checks);
}

fn after(duration: Duration) -> SystemTime {
    time::now() + duration
}

/// Spins for a while; returns how many events came.
fn events_in(duration: Duration, port: Port) -> u64 {
    let before = events::count(port);
    spin_until(duration, || false);
    events::count(port) - before
}

/// Checks that one event comes, from the deadline on, and no second one.
fn check_comes(checks: &mut Checks, port: Port, what: &str, deadline: SystemTime) {
    let before = events::count(port);
    let patience = deadline - time::now() + Duration::from_millis(20);
    check!(checks, spin_until(patience, || events::count(port) != before), "{what}: it comes");
    let served = SystemTime::from_ns(SERVED_NS.load(Relaxed));
    check!(checks, served >= deadline, "{what}: {:?} early", deadline - served);
    check!(checks, served - deadline < LATE, "{what}: {:?} late", served - deadline);
    check_eq!(checks, events_in(Duration::from_millis(1), port), 0, "{what}: more events");
}

fn check_deadlines(checks: &mut Checks, port: Port, name: &str, set: Set) {
    for us in [200, 999, 1000, 10_000, 100_000] {
        let deadline = after(Duration::from_micros(us));
        check_eq!(checks, set(deadline), Ok(()), "{name}");
        check_comes(checks, port, name, deadline);
    }
    // Set anew, nearer and farther: only the last deadline counts.
    for ms in [5, 2, 3] {
        check_eq!(checks, set(after(Duration::from_millis(1))), Ok(()), "{name}");
        let deadline = after(Duration::from_millis(ms));
        check_eq!(checks, set(deadline), Ok(()), "{name}");
        check_comes(checks, port, name, deadline);
    }
}

/// Each way of stopping stops what each way of setting has set.
fn check_stopping(checks: &mut Checks, port: Port, name: &str, set: Set) {
    let stops = [("set_timer_op", timer::set(None)), ("stop", stop_singleshot_timer(THIS))];
    check!(checks, stops.iter().all(|(_, stop)| stop.is_ok()), "stopping what is stopped");
    for stop in [|| timer::set(None), || stop_singleshot_timer(THIS)] {
        check_eq!(checks, set(after(Duration::from_millis(2))), Ok(()), "{name}");
        check_eq!(checks, stop(), Ok(()));
        check_eq!(checks, events_in(Duration::from_millis(5), port), 0, "{name}: stopped");
    }
}

/// What has passed is due at once, or an error that leaves the timer as it was.
fn check_past(checks: &mut Checks, port: Port) {
    let now = time::now().ns();
    for ns in [1, now / 2, now - 1, now] {
        for (name, set) in &WAYS[..2] {
            let before = events::count(port);
            let called = time::now();
            check_eq!(checks, set(SystemTime::from_ns(ns)), Ok(()), "{name}, past");
            spin_until(LATE, || events::count(port) != before);
            check_eq!(checks, events::count(port), before + 1, "{name}, past: events");
            let took = time::now() - called;
            check!(checks, took < LATE, "{name}, past: {took:?} late");
        }
        let deadline = after(Duration::from_millis(3));
        check_eq!(checks, timer::set(Some(deadline)), Ok(()));
        let past = set_singleshot_timer(THIS, SystemTime::from_ns(ns), Past::IsAnError);
        check_eq!(checks, past, Err(Errno(ETIME)), "{ns} ns with the flag");
        check_comes(checks, port, "what was set before an error", deadline);
    }
    // Times before 0 have passed; as numbers without a sign they are in the future.
    for past in [Past::ExpiresAtOnce, Past::IsAnError] {
        let before = events::count(port);
        let set = set_singleshot_timer(THIS, SystemTime::from_ns(u64::MAX), past);
        check_eq!(checks, set, Ok(()), "-1 ns, {past:?}");
        spin_until(LATE, || events::count(port) != before);
        check_eq!(checks, events::count(port), before + 1, "-1 ns, {past:?}: events");
    }
}

/// What is far away does not come now, though the hardware timer cannot reach it.
fn check_far(checks: &mut Checks, port: Port) {
    for seconds in [60, 3600, 86_400 * 365] {
        for (name, set) in WAYS {
            check_eq!(checks, set(after(Duration::from_secs(seconds))), Ok(()), "{name}");
            let events = events_in(Duration::from_millis(10), port);
            check_eq!(checks, events, 0, "{name}: {seconds} s are over already");
        }
    }
    // Farther than `set_timer_op` believes: in 100 ms.
    for ns in [1 << 51, u64::MAX / 2, 1 << 63, u64::MAX] {
        let expected = after(Duration::from_millis(100));
        check_eq!(checks, timer::set(Some(SystemTime::from_ns(ns))), Ok(()), "{ns}");
        check_comes(checks, port, "a deadline that is not believed", expected);
    }
    check_eq!(checks, timer::set(None), Ok(()));
}

/// Events off: one event waits, however often the timer was due.
fn check_masked(checks: &mut Checks, port: Port) {
    let before = events::count(port);
    irq::irq_disable();
    for _ in 0..5 {
        check_eq!(checks, timer::set(Some(after(Duration::from_micros(200)))), Ok(()));
        check_eq!(checks, events_in(Duration::from_millis(1), port), 0, "while disabled");
    }
    irq::irq_enable();
    check_eq!(checks, events::count(port), before + 1, "events when enabled");
}

fn check_period_limits(checks: &mut Checks, port: Port) {
    for period in [0, 1, MS - 1, 1 << 62, u64::MAX] {
        let invalid = Err(Errno(EINVAL));
        check_eq!(checks, set_periodic_timer(THIS, period), invalid, "a period of {period} ns");
    }
    check_eq!(checks, events_in(Duration::from_millis(5), port), 0, "a period that is refused");
    check_eq!(checks, set_periodic_timer(THIS, (1 << 62) - 1), Ok(()), "the longest period");
    check_eq!(checks, events_in(Duration::from_millis(5), port), 0, "the longest period");
    check_eq!(checks, stop_periodic_timer(THIS), Ok(()));
}

/// Ticks come at their times and stop when told.
fn check_periodic(checks: &mut Checks, port: Port) {
    for (period, ticks) in [(MS, 100), (3 * MS, 30), (10 * MS, 10)] {
        let start = time::now();
        check_eq!(checks, set_periodic_timer(THIS, period), Ok(()));
        for tick in 1..=ticks {
            let (before, due) = (events::count(port), start + Duration::from_nanos(tick * period));
            let came = spin_until(Duration::from_millis(20), || events::count(port) != before);
            let served = SystemTime::from_ns(SERVED_NS.load(Relaxed));
            let is_right = came && served >= due && served - due < LATE;
            check!(checks, is_right, "tick {tick} of {period} ns: due {due}, served {served}");
        }
        check_eq!(checks, stop_periodic_timer(THIS), Ok(()));
        check_eq!(checks, events_in(Duration::from_millis(20), port), 0, "ticks behind the stop");
    }
    // A period replaces another.
    check_eq!(checks, set_periodic_timer(THIS, MS), Ok(()));
    check_eq!(checks, set_periodic_timer(THIS, 10 * MS), Ok(()));
    let ticks = events_in(Duration::from_millis(55), port);
    check_eq!(checks, ticks, 5, "ticks of the second period");
    check_eq!(checks, stop_periodic_timer(THIS), Ok(()));
    // What is missed while disabled is one event, and the rhythm stays.
    let start = time::now();
    check_eq!(checks, set_periodic_timer(THIS, 10 * MS), Ok(()));
    irq::irq_disable();
    check_eq!(checks, events_in(Duration::from_millis(45), port), 0, "ticks while disabled");
    irq::irq_enable();
    check_comes(checks, port, "the tick behind", start + Duration::from_millis(50));
    check_eq!(checks, stop_periodic_timer(THIS), Ok(()));
}

/// Neither timer stops or moves the other.
fn check_both(checks: &mut Checks, port: Port) {
    check_eq!(checks, set_periodic_timer(THIS, 10 * MS), Ok(()));
    check_eq!(checks, timer::set(Some(after(Duration::from_millis(25)))), Ok(()));
    check_eq!(checks, events_in(Duration::from_millis(55), port), 6, "five ticks and a one-shot");
    check_eq!(checks, timer::set(None), Ok(()));
    check_eq!(checks, stop_singleshot_timer(THIS), Ok(()));
    check_eq!(checks, events_in(Duration::from_millis(30), port), 3, "ticks go on");
    check_eq!(checks, timer::set(Some(after(Duration::from_millis(15)))), Ok(()));
    check_eq!(checks, stop_periodic_timer(THIS), Ok(()));
    check_eq!(checks, events_in(Duration::from_millis(30), port), 1, "the one-shot stays");
}

fn check_arguments(checks: &mut Checks, buffers: &Buffers) {
    for (command, bytes) in [(vcpu::SET_PERIODIC_TIMER, 8), (vcpu::SET_SINGLESHOT_TIMER, 16)] {
        for (what, address) in buffers.unreadable(bytes) {
            let answer = call(VCPU_OP, [command.into(), 0, address]);
            check_eq!(checks, answer, -EFAULT, "command {command} with an argument {what}");
        }
    }
    let commands = [
        vcpu::SET_PERIODIC_TIMER,
        vcpu::STOP_PERIODIC_TIMER,
        vcpu::SET_SINGLESHOT_TIMER,
        vcpu::STOP_SINGLESHOT_TIMER,
    ];
    for command in commands {
        for vcpu in [1, 31, 32, u64::from(u32::MAX)] {
            let answer = call(VCPU_OP, [command.into(), vcpu, buffers.good()]);
            check_eq!(checks, answer, -ENOENT, "command {command} of vCPU {vcpu}");
        }
    }
}
