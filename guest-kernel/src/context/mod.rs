//! What a vCPU is in the middle of: an interrupt, a stretch that must not be preempted, a time in
//! which RCU does not watch.
//!
//! The decisions of every entry and exit are here, apart from registers and stacks, so that they
//! run on the host. What they do before an entry's state is established must not call anything:
//! the functions for it are inlined into `entry::handlers`, and `cargo xtask test noinstr` checks
//! the linked result (`docs/architecture.md`, "Entry state").

mod count;
mod irqentry;
mod nmi;
#[cfg(test)]
mod tests;
mod trace;
mod watching;
mod word;

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

pub use count::PreemptCount;
pub use irqentry::{Destination, IrqState};
#[cfg(any(test, target_os = "none"))]
pub(crate) use irqentry::{
    enter as irqentry_enter, enter_from_user as irqentry_enter_from_user, exit as irqentry_exit,
};
pub use nmi::NmiState;
#[cfg(any(test, target_os = "none"))]
pub(crate) use nmi::{enter as nmi_enter, exit as nmi_exit};
pub use trace::{IrqTrace, Observer};
pub use watching::{Snapshot, Watching};
pub use word::Word;

/// What one vCPU is in the middle of. Only that vCPU changes it.
#[derive(Debug)]
pub struct Context<W = AtomicU64> {
    /// Why the running task must not be taken off the vCPU.
    pub count: PreemptCount,
    /// Whether RCU watches.
    pub watching: Watching<W>,
    /// What tracing was told of events being on or off.
    pub trace: IrqTrace,
    /// Another task shall run, as soon as one may.
    need_resched: AtomicBool,
    /// The task is in a hypercall in which it may be preempted.
    in_preemptible_call: AtomicBool,
}

impl<W: Word> Context<W> {
    /// Returns the context of a vCPU that runs a kernel: RCU watches.
    pub(crate) const fn new(watching: Watching<W>) -> Self {
        Self {
            count: PreemptCount::new(),
            watching,
            trace: IrqTrace::new(),
            need_resched: AtomicBool::new(false),
            in_preemptible_call: AtomicBool::new(false),
        }
    }

    /// Returns whether another task shall run.
    #[inline(always)]
    pub fn need_resched(&self) -> bool {
        self.need_resched.load(Relaxed)
    }

    /// Says whether another task shall run.
    #[inline(always)]
    pub fn set_need_resched(&self, due: bool) {
        self.need_resched.store(due, Relaxed);
    }

    /// Says whether the task is in a preemptible hypercall from now on.
    #[inline(always)]
    pub fn set_preemptible_call(&self, inside: bool) {
        self.in_preemptible_call.store(inside, Relaxed);
    }

    /// Returns whether the task is in a preemptible hypercall, and says that it is not: who handles
    /// an upcall may be interrupted by another, and that one must not take it for its own.
    #[inline(always)]
    pub fn take_preemptible_call(&self) -> bool {
        let inside = self.in_preemptible_call.load(Relaxed);
        if inside {
            self.set_preemptible_call(false);
        }
        inside
    }
}

/// The first vCPU's, as long as kernels start no other (see [`crate::vcpu::current`]).
static BOOT: Context = Context::new(Watching::new(AtomicU64::new(1), AtomicU64::new(0)));

/// Returns the context of the vCPU that executes this.
#[inline(always)]
pub fn current() -> &'static Context {
    &BOOT
}
