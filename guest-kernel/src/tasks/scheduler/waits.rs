//! Tasks that wait, and what wakes them.

use super::{IDLE, Scheduler};
use crate::{
    tasks::task::{Channel, State, Task},
    time::SystemTime,
};

impl Scheduler {
    /// Says that the running task waits from now on, until `wake` or until a time.
    pub fn block(&mut self, on: Option<Channel>, until: Option<SystemTime>) {
        debug_assert!(self.current != IDLE, "the idle task never waits");
        self.next_wake = self.next_wake.into_iter().chain(until).min();
        self.tickets += 1;
        let ticket = self.tickets;
        let task = self.task(self.current);
        (task.state, task.ticket, task.timed_out) = (State::Blocked { on, until }, ticket, false);
    }

    /// Wakes at most so many tasks that wait for `channel`, in the order in which they came;
    /// returns how many.
    pub fn wake(&mut self, channel: Channel, most: usize) -> usize {
        let mut woken = 0;
        while woken < most {
            let waits = |task: &&Task| matches!(task.state, State::Blocked { on: Some(on), .. } if on == channel);
            let first = self.iter().filter(waits).min_by_key(|task| task.ticket);
            let Some(place) = first.map(|task| task.id.place) else { break };
            self.make_ready(place, false);
            woken += 1;
        }
        woken
    }

    /// Wakes the task in a place before its time, if it waits for nothing else.
    pub fn wake_sleeper(&mut self, place: usize) {
        let state = self.places.get(place).and_then(Option::as_ref).map(|task| task.state);
        if let Some(State::Blocked { on: None, .. }) = state {
            self.make_ready(place, false);
        }
    }

    fn make_ready(&mut self, place: usize, timed_out: bool) {
        let task = self.task(place);
        (task.state, task.timed_out) = (State::Ready, timed_out);
        self.ready.push(place);
    }

    /// Wakes everyone whose time has come, in the order of their times; returns whether another
    /// task shall run.
    pub fn tick(&mut self, now: SystemTime) -> bool {
        if self.next_wake.is_some_and(|until| until <= now) {
            while let Some((_, place)) = self.earliest().filter(|&(until, _)| until <= now) {
                self.make_ready(place, true);
            }
            self.next_wake = self.earliest().map(|(until, _)| until);
        }
        self.slice_is_over = self.is_switch_due(now);
        self.slice_is_over
    }

    /// Returns who waits for the earliest time.
    fn earliest(&self) -> Option<(SystemTime, usize)> {
        let times = self.iter().filter_map(|task| match task.state {
            State::Blocked { until: Some(until), .. } => Some((until, task.ticket, task.id.place)),
            _ => None,
        });
        times.min().map(|(until, _, place)| (until, place))
    }

    /// Returns whether the running task's last wait ended because its time had come.
    pub fn has_timed_out(&self) -> bool {
        self.current().timed_out
    }
}
