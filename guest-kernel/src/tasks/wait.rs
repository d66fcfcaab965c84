//! Tasks that wait: for a time, or for a condition that others make true.

use core::{ptr, time::Duration};

use super::{Channel, SCHEDULER, life, place, switch};
use crate::{
    context, irq,
    process::Process,
    time::{self, SystemTime},
};

/// Lets others run for so long.
pub fn sleep(duration: Duration) {
    sleep_until(time::now() + duration);
}

/// Lets others run until `time`.
///
/// # Panics
///
/// In an upcall, and where preemption is disabled.
pub fn sleep_until(time: SystemTime) {
    let _off = irq::disable_for_now();
    SCHEDULER.lock().block(None, Some(time));
    switch::schedule();
}

/// Wakes the tasks of the processes that are meant, if they sleep. Events are disabled.
pub(crate) fn wake_sleeping_process(is_meant: impl Fn(&Process) -> bool) {
    let mut scheduler = SCHEDULER.lock();
    place::of_process(is_meant).for_each(|place| scheduler.wake_sleeper(place));
}

/// Tasks that wait for the same.
#[derive(Debug)]
pub struct WaitQueue {
    /// Gives each queue an address of its own.
    _place: u8,
}

impl WaitQueue {
    /// Returns a queue in which nobody waits.
    #[expect(clippy::new_without_default, reason = "mostly a static's initializer")]
    pub const fn new() -> Self {
        Self { _place: 0 }
    }

    fn channel(&self) -> Channel {
        Channel::Queue(ptr::from_ref(self).addr())
    }

    /// Waits until `condition` gives a value, and returns it. It is looked at with events disabled,
    /// at first and each time somebody wakes this queue.
    ///
    /// # Panics
    ///
    /// In an upcall, and where preemption is disabled.
    pub fn wait_for<T>(&self, mut condition: impl FnMut() -> Option<T>) -> T {
        let _off = irq::disable_for_now();
        loop {
            if let Some(value) = condition() {
                return value;
            }
            SCHEDULER.lock().block(Some(self.channel()), None);
            switch::schedule();
        }
    }

    /// As [`wait_for`](Self::wait_for), until `deadline` at most: `None` if nothing came until then.
    ///
    /// # Panics
    ///
    /// As [`wait_for`](Self::wait_for).
    pub fn wait_until<T>(
        &self,
        deadline: SystemTime,
        mut condition: impl FnMut() -> Option<T>,
    ) -> Option<T> {
        let _off = irq::disable_for_now();
        loop {
            let value = condition();
            if value.is_some() || time::now() >= deadline {
                return value;
            }
            SCHEDULER.lock().block(Some(self.channel()), Some(deadline));
            switch::schedule();
        }
    }

    /// Wakes the task that has waited longest; returns whether there was one.
    pub fn wake_one(&self) -> bool {
        self.wake(1) != 0
    }

    /// Wakes all who wait; returns how many.
    pub fn wake_all(&self) -> usize {
        self.wake(usize::MAX)
    }

    fn wake(&self, most: usize) -> usize {
        if !life::is_started() {
            return 0;
        }
        let mut scheduler = SCHEDULER.lock();
        let woken = scheduler.wake(self.channel(), most);
        if woken != 0 && scheduler.is_switch_due(time::now()) {
            context::current().set_need_resched(true);
        }
        drop(scheduler);
        super::clock::arm();
        woken
    }
}
