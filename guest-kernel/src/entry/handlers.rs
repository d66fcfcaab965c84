//! What every entry does around its handler, in the section of entry code.
//!
//! Before the state is established and behind its end, these functions call nothing outside their
//! section: tracing and RCU are not ready for it. `cargo xtask test noinstr` checks the binary.

use super::{Frame, Vector, frame::Cause, irq_stack};
use crate::{
    context::{self, Destination},
    instrumentation, traps,
};

/// The vector of a non-maskable interrupt that comes by the trap table.
const NMI: i64 = 2;

/// Handles an exception.
#[unsafe(link_section = ".noinstr.text")]
pub(super) extern "C" fn exception(frame: &mut Frame) {
    if frame.cause == NMI {
        return nmi(frame);
    }
    let state = context::irqentry_enter(context::current(), frame.is_user());
    instrumentation::begin();
    traps::handle(frame);
    instrumentation::end();
    context::irqentry_exit(context::current(), state, destination(frame), || ());
}

/// Handles an upcall.
#[unsafe(link_section = ".noinstr.text")]
pub(super) extern "C" fn event(frame: &mut Frame) {
    let state = context::irqentry_enter(context::current(), frame.is_user());
    irq_stack::serve_events(frame);
    context::irqentry_exit(context::current(), state, destination(frame), || ());
}

/// Handles a system call.
#[unsafe(link_section = ".noinstr.text")]
pub(super) extern "C" fn system_call(frame: &mut Frame) {
    let state = context::irqentry_enter(context::current(), true);
    instrumentation::begin();
    traps::handle_system_call(frame);
    instrumentation::end();
    context::irqentry_exit(context::current(), state, destination(frame), || ());
}

/// Handles a non-maskable interrupt.
#[unsafe(link_section = ".noinstr.text")]
pub(super) extern "C" fn nmi(frame: &mut Frame) {
    let state = context::nmi_enter(context::current());
    instrumentation::begin();
    traps::handle_nmi(frame);
    instrumentation::end();
    context::nmi_exit(context::current(), state);
}

/// Returns where a frame goes.
#[inline(always)]
fn destination(frame: &Frame) -> Destination {
    if frame.is_user() {
        Destination::User
    } else {
        Destination::Kernel { events: frame.events().is_enabled() }
    }
}

const _: () = assert!(matches!(Cause::of(NMI), Cause::Exception(Vector(2))));
