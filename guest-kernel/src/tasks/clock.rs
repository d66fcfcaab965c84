//! The timer of tasks: for the end of a slice or of a sleep.

use super::SCHEDULER;
use crate::{context, time};

/// Sets the timer if the scheduler needs it earlier than it is set.
///
/// A timer that comes early finds nothing to do and is set again: cheaper than a hypercall for
/// every change of tasks.
pub(super) fn arm() {
    let needed = SCHEDULER.lock().next_event();
    if let Some(needed) =
        needed.filter(|&needed| time::task_deadline().is_none_or(|it| needed < it))
    {
        time::set_task_deadline(needed);
    }
}

/// Wakes who has slept enough, from the timer's upcall; returns when to come again.
pub(crate) fn on_timer() -> Option<time::SystemTime> {
    let mut scheduler = SCHEDULER.lock();
    if scheduler.tick(time::now()) {
        context::current().set_need_resched(true);
    }
    scheduler.next_event()
}
