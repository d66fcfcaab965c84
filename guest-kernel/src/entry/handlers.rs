//! What every entry does around its handler, in the section of entry code.
//!
//! Before the state is established and behind its end, these functions call nothing outside their
//! section: tracing and RCU are not ready for it. `cargo xtask test noinstr` checks the binary.

use super::{Cause, ProcessCall, PtRegs, Vector, irq_stack};
use crate::{
    context::{self, Destination},
    events, instrumentation,
    native::interrupts,
    process, tasks, traps,
};

/// The vector of a non-maskable interrupt that comes by the trap table.
const NMI: i64 = 2;

/// Handles an exception.
#[unsafe(link_section = ".noinstr.text")]
pub(super) extern "C" fn exception(regs: &mut PtRegs) {
    if regs.cause == NMI {
        return nmi(regs);
    }
    enter(regs);
    instrumentation::begin();
    traps::handle(regs);
    instrumentation::end();
    exit(regs);
}

/// Establishes the state of an entry.
#[inline(always)]
fn enter(regs: &PtRegs) {
    let context = context::current();
    regs.auxiliary().entry.set_irq(if regs.is_user() {
        context::irqentry_enter_from_user(context)
    } else {
        context::irqentry_enter(context)
    });
}

/// Handles an upcall.
#[unsafe(link_section = ".noinstr.text")]
pub(super) extern "C" fn event(regs: &mut PtRegs) {
    serve(regs, events::handle);
}

/// Handles an interrupt of a device, on bare hardware.
#[unsafe(link_section = ".noinstr.text")]
pub(super) extern "C" fn interrupt(regs: &mut PtRegs) {
    serve(regs, interrupts::handle);
}

/// Has events served by `handle`.
#[inline(always)]
fn serve(regs: &mut PtRegs, handle: extern "C" fn(&mut PtRegs)) {
    if context::current().take_preemptible_call() {
        regs.auxiliary().entry.set_cut_call(true);
    }
    enter(regs);
    irq_stack::serve_events(regs, handle);
    exit(regs);
    if regs.auxiliary().entry.has_cut_call() {
        go_on_in_call(regs);
    }
}

/// Lets other tasks run in a preemptible hypercall that was cut, if that is due.
///
/// The flag says that the interrupted task is in such a call; the upcall has taken it, so that
/// neither nested upcalls nor other tasks see it, and it is put back when the task goes on.
#[cold]
#[unsafe(link_section = ".noinstr.text")]
extern "C" fn go_on_in_call(regs: &mut PtRegs) {
    let context = context::current();
    if context.need_resched() {
        // Asked before ordinary code runs: it is among what that code asserts.
        let rcu_watches = context.watching.is_watching();
        instrumentation::begin();
        tasks::preempt_call(regs, rcu_watches);
        instrumentation::end();
    }
    context.set_preemptible_call(true);
}

/// Leaves the state of an entry; other tasks may run first, in a kernel that is preemptible or on the
/// way to a process.
#[inline(always)]
fn exit(regs: &mut PtRegs) {
    let (context, state) = (context::current(), regs.auxiliary().entry.irq());
    if regs.is_user() {
        if context.need_resched() {
            instrumentation::begin();
            traps::leave_user(regs);
            instrumentation::end();
        }
        // Or to whoever waits for what the process does, which is in the kernel with a frame like it.
        if regs.is_user() {
            return context::irqentry_exit(context, state, Destination::User, || ());
        }
    }
    let destination = Destination::Kernel { events: regs.events().is_enabled() };
    context::irqentry_exit(context, state, destination, || {
        if context.need_resched() && context.count.is_zero() {
            instrumentation::begin();
            tasks::preempt();
            instrumentation::end();
        }
    });
}

/// Handles a system call.
#[unsafe(link_section = ".noinstr.text")]
pub(super) extern "C" fn system_call(regs: &mut PtRegs) {
    regs.auxiliary().entry.set_irq(context::irqentry_enter_from_user(context::current()));
    instrumentation::begin();
    traps::handle_system_call(regs);
    instrumentation::end();
    exit(regs);
}

/// Handles a system call of a process, which goes on behind it.
#[unsafe(link_section = ".noinstr.text")]
pub(super) extern "C" fn process_call(call: &mut ProcessCall) {
    let context = context::current();
    let state = context::irqentry_enter_from_user(context);
    instrumentation::begin();
    process::handle_call(call);
    instrumentation::end();
    if context.need_resched() {
        instrumentation::begin();
        tasks::preempt_process();
        instrumentation::end();
    }
    context::irqentry_exit(context, state, Destination::User, || ());
}

/// Handles a non-maskable interrupt.
#[unsafe(link_section = ".noinstr.text")]
pub(super) extern "C" fn nmi(regs: &mut PtRegs) {
    regs.auxiliary().entry.set_nmi(context::nmi_enter(context::current()));
    instrumentation::begin();
    traps::handle_nmi(regs);
    instrumentation::end();
    context::nmi_exit(context::current(), regs.auxiliary().entry.nmi());
}

const _: () = assert!(matches!(Cause::of(NMI), Cause::Exception(Vector(2))));
