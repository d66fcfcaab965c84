//! When a task loses the vCPU without asking.
//!
//! With [`Preemption::Full`] it does wherever preemption is not disabled. With
//! [`Preemption::None`] the kernel is its own until it calls [`schedule`](super::schedule), waits,
//! or makes a hypercall by [`preemptible_call`]: such a call may be long, and the upcall that cuts
//! it may let others run before it goes on.

use core::{
    marker::PhantomData,
    sync::atomic::{AtomicBool, Ordering::Relaxed, Ordering::SeqCst, compiler_fence},
};

use super::{Why, place, switch};
use crate::{command_line, context, entry::Frame, irq, process};

/// How readily tasks are preempted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Preemption {
    /// In preemptible hypercalls only.
    None,
    /// Anywhere but where it is disabled.
    Full,
}

static IS_FULL: AtomicBool = AtomicBool::new(false);

/// Follows `preempt=none|full` on the command line; full without.
pub(super) fn choose(command_line: &str) {
    IS_FULL.store(command_line::value(command_line, "preempt") != Some("none"), Relaxed);
}

/// Returns how readily tasks are preempted.
pub fn preemption() -> Preemption {
    if IS_FULL.load(Relaxed) { Preemption::Full } else { Preemption::None }
}

/// Has another task run as soon as one may.
pub fn request_resched() {
    context::current().set_need_resched(true);
}

/// Lets other tasks run if that is due: for long loops in kernels without preemption.
pub fn cond_resched() {
    if context::current().need_resched() && context::current().count.is_zero() {
        switch::schedule();
    }
}

/// While this lives, the task keeps its vCPU unless it gives it up.
#[derive(Debug)]
#[must_use = "preemption is enabled again as soon as the guard is dropped"]
pub struct NoPreemption {
    /// The count is that of one vCPU.
    not_send: PhantomData<*const ()>,
}

/// Disables preemption until the guard is dropped.
pub fn disable_preemption() -> NoPreemption {
    context::current().count.disable_preemption();
    NoPreemption { not_send: PhantomData }
}

impl Drop for NoPreemption {
    fn drop(&mut self) {
        context::current().count.enable_preemption();
        if preemption() == Preemption::Full && irq::save_fl().is_enabled() {
            cond_resched();
        }
    }
}

/// Makes a hypercall in which the task may be preempted, however the kernel was built.
pub fn preemptible_call<T>(call: impl FnOnce() -> T) -> T {
    let context = context::current();
    let outer = context.take_preemptible_call();
    context.set_preemptible_call(true);
    compiler_fence(SeqCst);
    let result = call();
    compiler_fence(SeqCst);
    context.set_preemptible_call(outer);
    result
}

/// Lets others run on the way out of an entry, if the kernel is preemptible and on a task's stack.
#[inline(never)]
pub(crate) fn preempt() {
    if preemption() == Preemption::Full && place::is_on_task_stack() {
        let _off = irq::disable_for_now();
        switch::note_quiescent_and_switch(Why::Preempted);
    }
}

/// Lets others run before the running task's process goes on, in any kernel; returns whether it has
/// one. Events are disabled.
#[inline(never)]
pub(crate) fn preempt_process() -> bool {
    let has_process = !place::current().process.load(Relaxed).is_null();
    if has_process {
        process::end_if_interrupted();
        switch::note_quiescent_and_switch(Why::Preempted);
        process::end_if_interrupted();
    }
    has_process
}

/// Lets others run in a preemptible call that an upcall has cut, behind that upcall's state.
///
/// # Panics
///
/// If that cannot be: the call was made where a task must not lose its vCPU.
#[inline(never)]
pub(crate) fn preempt_call(frame: &Frame, rcu_watches: bool) {
    assert!(rcu_watches, "a preemptible call was made where RCU does not watch");
    assert!(frame.events().is_enabled(), "a preemptible call was made with events disabled");
    assert!(place::is_on_task_stack(), "a preemptible call was made on no task's stack");
    let count = &context::current().count;
    assert!(count.is_zero(), "a preemptible call was made where preemption is disabled");
    let traced = context::current().trace.is_enabled();
    context::current().trace.set(false);
    switch::note_quiescent_and_switch(Why::PreemptedInCall);
    context::current().trace.set(traced);
}
