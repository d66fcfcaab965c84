//! Kernel threads: spawned, scheduled round robin, preempted, joined.
//!
//! A kernel calls [`start`] once, behind [`time::install`](crate::time::install); from then on its
//! main function is a task like others. How readily tasks are preempted is its choice
//! ([`Preemption`], boot option `preempt=none|full`).
//!
//! `scheduler` decides and runs on the host; the other modules do what it says with registers,
//! stacks and the timer.

#[cfg(target_os = "none")]
mod clock;
#[cfg(target_os = "none")]
mod idle;
#[cfg(target_os = "none")]
mod life;
#[cfg(target_os = "none")]
mod place;
#[cfg(target_os = "none")]
mod preempt;
mod run_queue;
mod scheduler;
#[cfg(target_os = "none")]
mod stack;
#[cfg(target_os = "none")]
mod switch;
mod task;
#[cfg(test)]
mod tests;
#[cfg(target_os = "none")]
mod wait;

pub use scheduler::{Full, NoSuchTask, PLACES, SLICE, Scheduler, Switch, Why};
pub use task::{Account, Channel, Name, State, Task, TaskId};
#[cfg(target_os = "none")]
pub(crate) use {
    clock::on_timer,
    life::exit,
    place::{check_interrupted_stack, set_process},
    preempt::{preempt, preempt_call, preempt_process},
    wait::wake_sleeping_process,
};
#[cfg(target_os = "none")]
pub use {
    life::{StartError, current, detach, is_started, join, list, spawn, start},
    place::stack,
    preempt::{
        NoPreemption, Preemption, cond_resched, disable_preemption, preemptible_call, preemption,
        request_resched,
    },
    switch::schedule,
    wait::{WaitQueue, sleep, sleep_until},
};

#[cfg(target_os = "none")]
use crate::irq::EventsOffLock;

/// The tasks of the first vCPU, as long as kernels start no other.
#[cfg(target_os = "none")]
static SCHEDULER: EventsOffLock<Scheduler> = EventsOffLock::new(Scheduler::new());
