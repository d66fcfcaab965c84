//! What is known of a task, apart from its registers and its stack.

use core::{fmt, time::Duration};

use crate::time::SystemTime;

/// A task; no other has the same number, ever.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TaskId {
    pub(super) place: usize,
    pub(super) generation: u64,
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.generation.fmt(f)
    }
}

/// The most bytes of a name.
const NAME_BYTES: usize = 15;

/// What a task is called: at most 15 bytes, the rest is left out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Name {
    bytes: [u8; NAME_BYTES],
    length: usize,
}

impl Name {
    /// Returns a name.
    pub const fn new(text: &str) -> Self {
        let (mut bytes, mut length) = ([0; NAME_BYTES], 0);
        while length < NAME_BYTES && length < text.len() {
            bytes[length] = text.as_bytes()[length];
            length += 1;
        }
        Self { bytes, length }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A character that was cut in two is left out as well.
        let valid = self.bytes[..self.length].utf8_chunks().next();
        f.pad(valid.map_or("", |chunk| chunk.valid()))
    }
}

/// What tasks wait for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Channel {
    /// A wait queue, by its address.
    Queue(usize),
    /// The end of a task.
    End(TaskId),
}

/// What a task is doing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// It runs.
    Running,
    /// It could run.
    Ready,
    /// It waits, for something or for a time or for whichever comes first.
    Blocked {
        /// What for.
        on: Option<Channel>,
        /// Until when.
        until: Option<SystemTime>,
    },
    /// It has ended, with a result.
    Done(u64),
}

/// What a task has used.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Account {
    /// How long it ran.
    pub ran: Duration,
    /// How often it was given the vCPU.
    pub turns: u64,
    /// How often the vCPU was taken from it.
    pub preempted: u64,
    /// How often of these in a preemptible hypercall.
    pub preempted_in_call: u64,
}

/// A task.
#[derive(Clone, Copy, Debug)]
pub struct Task {
    /// Its number.
    pub id: TaskId,
    /// Its name.
    pub name: Name,
    /// What it is doing.
    pub state: State,
    /// What it has used.
    pub account: Account,
    /// Its place among those who wait for the same.
    pub(super) ticket: u64,
    /// Its last wait ended because its time had come.
    pub(super) timed_out: bool,
    /// Nobody will ask for its result.
    pub(super) detached: bool,
}
