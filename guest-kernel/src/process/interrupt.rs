//! The end of a process by a key of the console.
//!
//! The key comes in an upcall, whatever runs then. The process is told, and ends itself where it would
//! have gone back to ring 3: nothing that it holds in the kernel is left behind.

use core::sync::atomic::Ordering::Relaxed;

use super::{
    life,
    running::{self, Process},
    table::Status,
};
use crate::{context, irq, println, tasks};

/// Ends the process that what is typed concerns; returns whether there is one. Events are disabled.
pub(super) fn foreground() -> bool {
    let Some(id) = life::interrupt_foreground() else { return false };
    tasks::wake_sleeping_process(|process: &Process| {
        let is_it = process.id == id;
        if is_it {
            process.is_interrupted.store(true, Relaxed);
        }
        is_it
    });
    // It may be the one that runs. Another finds out at its turn.
    context::current().set_need_resched(true);
    true
}

/// Returns whether the running process was told to end.
pub(crate) fn is_due() -> bool {
    running::current().is_some_and(|process| process.is_interrupted.load(Relaxed))
}

/// Ends the running process if it was told to, on the way back to ring 3, with events disabled.
pub(crate) fn end_if_interrupted() {
    if is_due() {
        end();
    }
}

/// Ends the running process, and says so.
pub(super) fn end() -> ! {
    irq::irq_enable();
    println!("^C");
    if let Some(process) = running::current() {
        println!("process {} ({}): ended at the console", process.id.number(), process.name);
    }
    life::finish(Status::Interrupted);
}
