//! Alarms: the queue behind VIRQ_TIMER, and sleeping.

use alloc::vec::Vec;
use core::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use super::{Alarm, AlarmId, Full, Queue, SystemTime, now};
use crate::{
    abi::event_channel::VIRQ_TIMER,
    events::{self, Port},
    hypercall::{Errno, event_channel::Virq},
    irq::{self, EventsOffLock},
    platform, tasks,
};

/// Alarms that can be set at a time.
const ALARMS: usize = 16;

static QUEUE: EventsOffLock<Queue<ALARMS>> = EventsOffLock::new(Queue::new());

/// When tasks want the timer, in nanoseconds: apart from alarms, so that there is always room.
static TASKS: AtomicU64 = AtomicU64::new(NEVER);

/// No time that comes.
const NEVER: u64 = u64::MAX;

/// No port has this number.
const NO_PORT: Port = Port(0);

/// The timer's port.
static PORT: AtomicU32 = AtomicU32::new(NO_PORT.0);

/// Events of the timer so far.
static TICKS: AtomicU64 = AtomicU64::new(0);

/// Binds VIRQ_TIMER to a port of its own; returns the port. After [`events::install`].
///
/// # Errors
///
/// The hypervisor's: `EEXIST` if VIRQ_TIMER has a port already.
pub fn install() -> Result<Port, Errno> {
    let port = (platform::current().bind_virq)(Virq(VIRQ_TIMER))?;
    events::set_handler(port, on_timer);
    PORT.store(port.0, Relaxed);
    events::unmask(port);
    Ok(port)
}

/// Returns the timer's port, if it is installed.
pub fn timer_port() -> Option<Port> {
    Some(Port(PORT.load(Relaxed))).filter(|&port| port != NO_PORT)
}

/// Sets an alarm.
///
/// # Errors
///
/// If as many are set as there can be.
pub fn set_alarm(alarm: Alarm) -> Result<AlarmId, Full> {
    let mut queue = QUEUE.lock();
    let id = queue.add(alarm)?;
    program(&queue);
    Ok(id)
}

/// Takes an alarm away; returns it unless it has been called for the last time.
pub fn cancel(id: AlarmId) -> Option<Alarm> {
    QUEUE.lock().cancel(id)
}

/// Returns the alarms that are set.
pub fn list() -> Vec<Alarm> {
    // Room for them before the lock: the heap has a lock of its own.
    let mut alarms = Vec::with_capacity(ALARMS);
    alarms.extend(QUEUE.lock().iter());
    alarms
}

/// Returns how many events of the timer there were.
pub fn ticks() -> u64 {
    TICKS.load(Relaxed)
}

/// Waits for a time to pass: other tasks run meanwhile, or where there are none, events are enabled.
///
/// # Errors
///
/// If as many alarms are set as there can be.
pub fn sleep(duration: Duration) -> Result<(), Full> {
    if tasks::is_started() {
        tasks::sleep(duration);
        return Ok(());
    }
    let deadline = now() + duration;
    let id = set_alarm(Alarm { deadline, period: None, handler: |_| {} })?;
    let before = irq::save_fl();
    loop {
        irq::irq_disable();
        if now() >= deadline {
            break;
        }
        irq::safe_halt();
    }
    irq::restore_fl(before);
    cancel(id);
    Ok(())
}

/// Serves the timer: calls what is due and sets the timer for what is next.
fn on_timer(_: Port) {
    TICKS.fetch_add(1, Relaxed);
    loop {
        // The lock is let go before the call: a handler may set alarms.
        let due = QUEUE.lock().take_due(now());
        let Some(alarm) = due else {
            break;
        };
        (alarm.handler)(alarm.deadline);
    }
    if task_deadline().is_some_and(|deadline| deadline <= now()) {
        TASKS.store(tasks::on_timer().map_or(NEVER, SystemTime::ns), Relaxed);
    }
    program(&QUEUE.lock());
}

/// Returns when tasks want the timer.
pub(crate) fn task_deadline() -> Option<SystemTime> {
    Some(TASKS.load(Relaxed)).filter(|&ns| ns != NEVER).map(SystemTime::from_ns)
}

/// Has [`tasks::on_timer`] called at a time, and not at the one set before.
pub(crate) fn set_task_deadline(deadline: SystemTime) {
    TASKS.store(deadline.ns(), Relaxed);
    program(&QUEUE.lock());
}

/// Sets the timer for the next alarm; one that has passed meanwhile comes at once.
fn program(queue: &Queue<ALARMS>) {
    if let Some(deadline) = queue.next_deadline().into_iter().chain(task_deadline()).min() {
        (platform::current().set_timer)(deadline);
    }
}

impl From<Full> for Errno {
    fn from(Full: Full) -> Self {
        Self(crate::abi::errno::ENOSPC)
    }
}
