//! How often a guest leaves its container while time passes.
//!
//! A hypervisor that ticks, polls a line, or sets its timer too early exits for reasons that are
//! not the guest's.
//! Expected: no exit but the calls of a guest that blocks, none of one that computes without
//! timers; with timers one exit for each that comes, and one for each call that sets it again.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use xenolith_guest::{
    StartInfo,
    abi::event_channel::VIRQ_TIMER,
    check, check_eq, events,
    hypercall::{
        event_channel::{Virq, bind_virq},
        sched,
        vcpu::{
            Past, set_periodic_timer, set_singleshot_timer, stop_periodic_timer,
            stop_singleshot_timer,
        },
        xenolith::exit_counts,
    },
    irq, println,
    scenario::Checks,
    time, traps,
    vcpu::VcpuId,
};

xenolith_guest::scenario!(run);

const TICK: Duration = Duration::from_millis(5);
const SECOND: Duration = Duration::from_secs(1);

static TICKS: AtomicU64 = AtomicU64::new(0);
/// Whether each tick sets the timer for the next one.
static GOES_ON: AtomicBool = AtomicBool::new(false);

fn run(checks: &mut Checks, _: &'static StartInfo) {
    check_eq!(checks, traps::install(), Ok(()));
    check_eq!(checks, events::install(), Ok(()));
    let Ok(port) = bind_virq(Virq(VIRQ_TIMER), VcpuId::BOOT) else {
        return checks.fail(format_args!("no port for the timer"));
    };
    events::set_handler(port, |_| tick());
    events::unmask(port);
    check_eq!(checks, stop_periodic_timer(VcpuId::BOOT), Ok(()));
    // What was printed so far has to be gone: it is looked after while it waits.
    let _ = set(SECOND).and_then(|()| sched::block());
    check_quiet(checks);
    check_ticks(checks);
}

fn tick() {
    TICKS.fetch_add(1, Relaxed);
    if GOES_ON.load(Relaxed) {
        let _ = set(TICK);
    }
}

fn set(how_long: Duration) -> Result<(), xenolith_guest::hypercall::Errno> {
    set_singleshot_timer(VcpuId::BOOT, time::now() + how_long, Past::ExpiresAtOnce)
}

/// Works for as long, with events enabled.
fn work(how_long: Duration) {
    let end = time::now() + how_long;
    while time::now() < end {}
}

/// Returns how many exits `action` causes, and how many ticks come meanwhile.
fn count(action: impl FnOnce()) -> (u64, u64) {
    let total = || exit_counts().map_or(u64::MAX, |counts| counts.total());
    irq::irq_disable();
    TICKS.store(0, Relaxed);
    let before = total();
    action();
    irq::irq_disable();
    // Less the call that counts.
    (total().wrapping_sub(before).wrapping_sub(1), TICKS.load(Relaxed))
}

fn check_quiet(checks: &mut Checks) {
    let blocks = count(|| {
        let _ = set(SECOND);
        let _ = sched::block();
    });
    let works = count(|| {
        irq::irq_enable();
        work(SECOND);
    });
    let cancels = count(|| {
        let _ = set(TICK);
        let _ = stop_singleshot_timer(VcpuId::BOOT);
        irq::irq_enable();
        work(4 * TICK);
    });
    println!("exits and ticks: blocking {blocks:?}, working {works:?}, cancelling {cancels:?}");
    check_eq!(checks, blocks, (2, 1), "two calls of one that blocks");
    check_eq!(checks, works, (0, 0), "one that works without timers");
    check!(checks, cancels.0 <= 3 && cancels.1 == 0, "two calls, and the timer's in vain");
    let _ = set(SECOND).and_then(|()| sched::block());
}

fn check_ticks(checks: &mut Checks) {
    GOES_ON.store(true, Relaxed);
    let works = count(|| {
        let _ = set(TICK);
        irq::irq_enable();
        work(SECOND);
    });
    let blocks = count(|| {
        while TICKS.load(Relaxed) < 100 {
            let _ = sched::block();
            irq::irq_disable();
        }
    });
    GOES_ON.store(false, Relaxed);
    check_eq!(checks, stop_singleshot_timer(VcpuId::BOOT), Ok(()));
    let periodic = count(|| {
        let _ = set_periodic_timer(VcpuId::BOOT, 5_000_000);
        irq::irq_enable();
        work(SECOND);
    });
    check_eq!(checks, stop_periodic_timer(VcpuId::BOOT), Ok(()));
    println!("exits and ticks: working {works:?}, blocking {blocks:?}, periodic {periodic:?}");
    for (how, (exits, ticks), most) in [
        ("working", works, 2 * works.1 + 2),
        ("blocking", blocks, 2 * blocks.1 + 1),
        ("periodic", periodic, periodic.1 + 2),
    ] {
        check!(checks, (90..=210).contains(&ticks), "{how}: {ticks} ticks");
        check!(checks, exits <= most, "{how}: {exits} exits for {ticks} ticks");
    }
}
