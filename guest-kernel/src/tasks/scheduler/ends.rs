//! Tasks that have ended, and those that never began.

use super::{NoSuchTask, PLACES, RunQueue, Scheduler};
use crate::tasks::task::{Channel, State, TaskId};

impl Scheduler {
    /// Takes away a task that has never run.
    pub(in crate::tasks) fn withdraw(&mut self, id: TaskId) {
        let others: RunQueue<PLACES> = RunQueue::new();
        let before = core::mem::replace(&mut self.ready, others);
        before.iter().filter(|&place| place != id.place).for_each(|place| self.ready.push(place));
        self.places[id.place] = None;
    }

    /// Says that the running task has ended, and wakes who waits for that.
    pub fn finish(&mut self, result: u64) {
        let id = self.current().id;
        self.task(id.place).state = State::Done(result);
        self.wake(Channel::End(id), usize::MAX);
    }

    /// Returns the result of a task if it has ended, and forgets the task.
    ///
    /// # Errors
    ///
    /// If there is no such task.
    pub fn reap(&mut self, id: TaskId) -> Result<Option<u64>, NoSuchTask> {
        let State::Done(result) = self.find(id)?.state else {
            return Ok(None);
        };
        self.places[id.place] = None;
        Ok(Some(result))
    }

    /// Says that nobody will ask for a task's result.
    ///
    /// # Errors
    ///
    /// If there is no such task.
    pub fn detach(&mut self, id: TaskId) -> Result<(), NoSuchTask> {
        self.find(id)?;
        self.task(id.place).detached = true;
        Ok(())
    }

    /// Returns whether the task in a place has ended; forgets it if nobody will ask for its result.
    pub(in crate::tasks) fn has_ended(&mut self, place: usize) -> bool {
        let Some(task) = self.places[place] else { return false };
        let ended = matches!(task.state, State::Done(_));
        if ended && task.detached {
            self.places[place] = None;
        }
        ended
    }
}
