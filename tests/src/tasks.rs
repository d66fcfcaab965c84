//! What scenarios with tasks begin with.

use xenolith_guest::{
    StartInfo, check, check_eq, events, irq,
    scenario::Checks,
    tasks::{self, TaskId},
    time, traps,
};

/// Turns on exceptions, events, the timer and tasks; the caller is a task from then on.
pub fn start(checks: &mut Checks, start: &StartInfo) -> Option<TaskId> {
    check_eq!(checks, traps::install(), Ok(()));
    check_eq!(checks, events::install(), Ok(()));
    check!(checks, time::install().is_ok(), "a timer");
    let main = tasks::start(start);
    check!(checks, main.is_ok(), "tasks: {main:?}");
    irq::irq_enable();
    main.ok()
}
