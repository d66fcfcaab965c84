//! Entry and exit of non-maskable interrupts, which come anywhere: also in an entry that has not
//! established its state, or in an exit that has left it.
//!
//! So they keep a state of their own, take nothing for granted, and put back exactly what they
//! found. Nothing is scheduled from one.

use super::{Context, Word};

/// What a non-maskable interrupt found, for its exit. Fits a register.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[repr(transparent)]
pub struct NmiState(u8);

const WATCHED: u8 = 1;
const TRACED_ENABLED: u8 = 2;

/// Establishes the state: behind this, code that is made for it may run.
#[inline(always)]
pub(crate) fn enter<W: Word>(context: &Context<W>) -> NmiState {
    context.count.enter_nmi();
    let mut state = 0;
    if context.trace.is_enabled() {
        state |= TRACED_ENABLED;
        context.trace.set(false);
    }
    if context.watching.is_watching() {
        state |= WATCHED;
    } else {
        context.watching.start();
    }
    NmiState(state)
}

/// Puts back what was found.
#[inline(always)]
pub(crate) fn exit<W: Word>(context: &Context<W>, NmiState(state): NmiState) {
    if state & WATCHED == 0 {
        context.watching.stop();
    }
    context.trace.set(state & TRACED_ENABLED != 0);
    context.count.leave_nmi();
}
