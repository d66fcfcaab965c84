//! Which task runs: round robin among those that could, a slice of time each.
//!
//! Nothing here knows registers or stacks, so all of it runs on the host. One vCPU; its idle task
//! runs when no other can, and is in no queue.

mod ends;
mod waits;

use core::time::Duration;

use super::{
    run_queue::RunQueue,
    task::{Account, Name, State, Task, TaskId},
};
use crate::time::SystemTime;

/// The most tasks there can be, the idle one among them.
pub const PLACES: usize = 32;

/// The place of the idle task.
pub(super) const IDLE: usize = 0;

/// How long a task runs while others could.
pub const SLICE: Duration = Duration::from_millis(10);

/// There are as many tasks as there can be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Full;

/// No task has this number any more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NoSuchTask;

/// Why the running task gives up the vCPU.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Why {
    /// It asked to.
    Voluntary,
    /// It was interrupted.
    Preempted,
    /// It was interrupted in a preemptible hypercall.
    PreemptedInCall,
}

/// A change from the task in one place to that in another.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Switch {
    /// The place of the task that ran.
    pub from: usize,
    /// The place of the task that runs now.
    pub to: usize,
}

/// All tasks of a vCPU.
#[derive(Debug)]
pub struct Scheduler {
    places: [Option<Task>; PLACES],
    ready: RunQueue<PLACES>,
    current: usize,
    /// Since when the running task has not been charged.
    since: SystemTime,
    slice_ends: SystemTime,
    /// A tick has said that the slice is over.
    slice_is_over: bool,
    /// No task that waits for a time has to be woken before this one.
    next_wake: Option<SystemTime>,
    generations: u64,
    tickets: u64,
}

impl Scheduler {
    /// Returns a scheduler without tasks.
    #[expect(clippy::new_without_default, reason = "only ever a static's initializer")]
    pub const fn new() -> Self {
        Self {
            places: [None; PLACES],
            ready: RunQueue::new(),
            current: IDLE,
            since: SystemTime::from_ns(0),
            slice_ends: SystemTime::from_ns(0),
            slice_is_over: false,
            next_wake: None,
            generations: 0,
            tickets: 0,
        }
    }

    /// Makes the idle task and that of the caller, which runs. Returns the latter.
    pub fn start(&mut self, now: SystemTime) -> TaskId {
        self.place_task(IDLE, Name::new("idle"));
        let main = self.place_task(IDLE + 1, Name::new("main"));
        self.task(main.place).state = State::Running;
        self.task(main.place).account.turns = 1;
        self.current = main.place;
        self.since = now;
        self.slice_ends = now + SLICE;
        main
    }

    fn place_task(&mut self, place: usize, name: Name) -> TaskId {
        let id = TaskId { place, generation: self.generations };
        self.generations += 1;
        self.places[place] = Some(Task {
            id,
            name,
            state: State::Ready,
            account: Account::default(),
            ticket: 0,
            timed_out: false,
            detached: false,
        });
        id
    }

    fn task(&mut self, place: usize) -> &mut Task {
        self.places[place].as_mut().expect("places in use hold tasks")
    }

    fn find(&self, id: TaskId) -> Result<&Task, NoSuchTask> {
        self.places[id.place].as_ref().filter(|task| task.id == id).ok_or(NoSuchTask)
    }

    /// Returns all tasks.
    pub fn iter(&self) -> impl Iterator<Item = &Task> {
        self.places.iter().flatten()
    }

    /// Returns the running task.
    ///
    /// # Panics
    ///
    /// Before [`start`](Self::start).
    pub fn current(&self) -> &Task {
        self.places[self.current].as_ref().expect("the running task has its place")
    }

    /// Adds a task that could run.
    ///
    /// # Errors
    ///
    /// If there are as many as there can be.
    pub fn add(&mut self, name: Name) -> Result<TaskId, Full> {
        let place = self.places.iter().position(Option::is_none).ok_or(Full)?;
        let id = self.place_task(place, name);
        self.ready.push(place);
        Ok(id)
    }

    /// Returns whether another task shall run.
    pub fn is_switch_due(&self, now: SystemTime) -> bool {
        !self.ready.is_empty() && (self.current == IDLE || now >= self.slice_ends)
    }

    /// Returns when to call [`tick`](Self::tick) next: behind a tick, later than that. There may be
    /// nothing to do then, if who waited has been woken.
    pub fn next_event(&self) -> Option<SystemTime> {
        let is_running_out = !self.ready.is_empty() && !self.slice_is_over;
        let slice = Some(self.slice_ends).filter(|_| is_running_out);
        slice.into_iter().chain(self.next_wake).min()
    }

    /// Lets the next task run; returns the change, if there is one.
    pub fn switch(&mut self, now: SystemTime, why: Why) -> Option<Switch> {
        self.charge(now);
        self.slice_ends = now + SLICE;
        self.slice_is_over = false;
        let from = self.current;
        if self.task(from).state == State::Running {
            if self.ready.is_empty() {
                return None;
            }
            self.take_vcpu(from, why);
        }
        let to = self.ready.pop().unwrap_or(IDLE);
        self.task(to).state = State::Running;
        self.current = to;
        (to != from).then(|| {
            self.task(to).account.turns += 1;
            Switch { from, to }
        })
    }

    /// Takes the vCPU from a task that could go on.
    fn take_vcpu(&mut self, place: usize, why: Why) {
        let task = self.task(place);
        task.state = State::Ready;
        task.account.preempted += u64::from(why != Why::Voluntary);
        task.account.preempted_in_call += u64::from(why == Why::PreemptedInCall);
        if place != IDLE {
            self.ready.push(place);
        }
    }

    /// Charges the running task with the time until now.
    pub fn charge(&mut self, now: SystemTime) {
        let ran = now - self.since;
        self.task(self.current).account.ran += ran;
        self.since = self.since.max(now);
    }
}
