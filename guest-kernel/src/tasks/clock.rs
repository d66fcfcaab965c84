//! The timer of tasks: one alarm, for the end of a slice or of a sleep.

use crate::{
    context,
    irq::EventsOffLock,
    time::{self, Alarm, AlarmId, SystemTime},
};

use super::SCHEDULER;

/// The alarm that is set.
static ARMED: EventsOffLock<Option<(AlarmId, SystemTime)>> = EventsOffLock::new(None);

/// Sets the alarm if the scheduler needs one earlier than what is set.
///
/// One that comes early finds nothing to do and sets the next: cheaper than a hypercall for every
/// change of tasks.
pub(super) fn arm() {
    let Some(needed) = SCHEDULER.lock().next_event() else { return };
    let mut armed = ARMED.lock();
    if armed.is_some_and(|(_, deadline)| deadline <= needed) {
        return;
    }
    if let Some((id, _)) = armed.take() {
        time::cancel(id);
    }
    let alarm = Alarm { deadline: needed, period: None, handler: on_alarm };
    // Without room for an alarm tasks are not preempted; the next change tries again.
    *armed = time::set_alarm(alarm).ok().map(|id| (id, needed));
}

/// Wakes who has slept enough, from the timer's upcall.
fn on_alarm(_: SystemTime) {
    *ARMED.lock() = None;
    let due = SCHEDULER.lock().tick(time::now());
    if due {
        context::current().set_need_resched(true);
    }
    arm();
}
