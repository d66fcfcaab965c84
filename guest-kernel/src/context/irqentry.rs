//! Entry and exit of exceptions, system calls and upcalls.
//!
//! What an entry found is a value that its exit is given: nothing is kept that a nested entry, or
//! another task on the same vCPU, could mistake for its own.

use super::{Context, Word};
use crate::instrumentation;

/// What an entry found, for its exit. Fits a register.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[repr(transparent)]
pub struct IrqState(u8);

const _: () = assert!(size_of::<IrqState>() <= size_of::<usize>());

/// RCU did not watch, in the kernel: the vCPU was idle, and will be again.
const EXIT_RCU: u8 = 1;
/// Tracing had events enabled.
const TRACED_ENABLED: u8 = 2;

impl IrqState {
    /// Returns whether the exit makes RCU watch no longer, because the vCPU was idle.
    #[inline(always)]
    pub const fn exit_rcu(self) -> bool {
        self.0 & EXIT_RCU != 0
    }

    #[inline(always)]
    const fn traced_enabled(self) -> bool {
        self.0 & TRACED_ENABLED != 0
    }
}

/// Where an exit goes. It need not be where the entry came from: a handler may change the frame.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Destination {
    /// A process.
    User,
    /// The kernel, with events enabled or not.
    Kernel {
        /// Whether events are enabled there.
        events: bool,
    },
}

/// Establishes the state of an entry from a process: behind this, ordinary code may run. Where
/// processes run is known: events are enabled and RCU does not watch.
#[inline(always)]
pub(crate) fn enter_from_user<W: Word>(context: &Context<W>) -> IrqState {
    context.trace.set(false);
    context.watching.start();
    tell(context, false);
    IrqState(TRACED_ENABLED)
}

/// Establishes the state of an entry from the kernel: behind this, ordinary code may run.
#[inline(always)]
pub(crate) fn enter<W: Word>(context: &Context<W>) -> IrqState {
    let mut state = 0;
    if context.trace.is_enabled() {
        state |= TRACED_ENABLED;
        context.trace.set(false);
    }
    if !context.watching.is_watching() {
        context.watching.start();
        state |= EXIT_RCU;
    }
    if state & TRACED_ENABLED != 0 {
        tell(context, false);
    }
    IrqState(state)
}

/// Leaves an entry's state: from here on, nothing but the way out may run.
///
/// On the way to the kernel with events enabled, unless the vCPU was idle, `reschedule` may let
/// other tasks run first.
#[inline(always)]
pub(crate) fn exit<W: Word>(
    context: &Context<W>,
    state: IrqState,
    to: Destination,
    reschedule: impl FnOnce(),
) {
    if to == (Destination::Kernel { events: true }) && !state.exit_rcu() {
        reschedule();
    }
    let enabled = to == Destination::User || state.traced_enabled();
    if enabled {
        tell(context, true);
    }
    if to == Destination::User || state.exit_rcu() {
        context.watching.stop();
    }
    context.trace.set(enabled);
}

#[inline(always)]
fn tell<W: Word>(context: &Context<W>, enabled: bool) {
    if context.trace.is_observed() {
        instrumentation::begin();
        context.trace.tell(enabled);
        instrumentation::end();
    }
}
