//! A periodic alarm in the background, and whether all of it came.

use core::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use xenolith_guest::{
    StartInfo,
    irq::EventsOffLock,
    println,
    time::{self, Alarm, AlarmId, SystemTime},
};

/// A tick that has been started.
#[derive(Clone, Copy)]
struct Tick {
    id: AlarmId,
    period: Duration,
    began: SystemTime,
}

static TICK: EventsOffLock<Option<Tick>> = EventsOffLock::new(None);

/// Turns since the start.
static TURNS: AtomicU64 = AtomicU64::new(0);

/// The longest that a turn was late, in nanoseconds.
static LATEST_NS: AtomicU64 = AtomicU64::new(0);

/// Starts a tick of so many milliseconds in place of an older one, of which it tells what came;
/// none starts with 0.
pub(crate) fn set(_: &StartInfo, milliseconds: &str) {
    // Not under the lock: printing takes long.
    let before = TICK.lock().take();
    if let Some(tick) = before {
        stop(tick);
    }
    let milliseconds = milliseconds.parse().unwrap_or(1_u32);
    if milliseconds != 0 {
        start(Duration::from_millis(milliseconds.into()));
    }
}

fn start(period: Duration) {
    if time::timer_port().is_none() {
        println!("  there is no timer");
        return;
    }
    TURNS.store(0, Relaxed);
    LATEST_NS.store(0, Relaxed);
    let began = time::now();
    let alarm = Alarm { deadline: began + period, period: Some(period), handler: turn };
    match time::set_alarm(alarm) {
        Ok(id) => {
            *TICK.lock() = Some(Tick { id, period, began });
            println!("  every {period:?}");
        }
        Err(_) => println!("  every alarm is taken"),
    }
}

/// Serves a turn that was due at `deadline`.
fn turn(deadline: SystemTime) {
    TURNS.fetch_add(1, Relaxed);
    LATEST_NS.fetch_max((time::now().ns()).saturating_sub(deadline.ns()), Relaxed);
}

fn stop(tick: Tick) {
    let alarm = time::cancel(tick.id);
    let now = time::now();
    let lasted = now - tick.began;
    let turns = TURNS.load(Relaxed);
    // One that is due at this very moment is not missed yet.
    let at_hand = u64::from(alarm.is_some_and(|alarm| alarm.deadline <= now));
    let due = u64::try_from(lasted.as_nanos() / tick.period.as_nanos()).unwrap_or(u64::MAX);
    let missed = due.saturating_sub(turns + at_hand);
    let late = Duration::from_nanos(LATEST_NS.load(Relaxed));
    println!("  {turns} turns of {:?} in {lasted:?}", tick.period);
    println!("  {missed} missed, {late:?} late at most");
}
