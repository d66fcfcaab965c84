//! What runs when no task can: the vCPU waits for an event, and RCU does not watch meanwhile.

use crate::{context, irq};

use super::{Why, switch};

/// Runs for ever.
pub(super) fn run() -> u64 {
    let context = context::current();
    loop {
        irq::irq_disable();
        // Events stay disabled from the look to the wait: what makes a task ready ends the wait.
        switch::note_quiescent_and_switch(Why::Voluntary);
        // Whoever ran before may have been in a system call, of which tracing has been told.
        context.trace.set(true);
        context.watching.stop();
        irq::safe_halt();
        // Upcalls until here find a vCPU that RCU does not watch, and leave it so.
        context.watching.start();
    }
}
