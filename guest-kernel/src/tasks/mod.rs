//! Kernel threads: which of them runs.

mod run_queue;
mod scheduler;
mod task;
#[cfg(test)]
mod tests;

pub use scheduler::{Full, NoSuchTask, PLACES, SLICE, Scheduler, Switch, Why};
pub use task::{Account, Channel, Name, State, Task, TaskId};
