//! From an entry of the kernel to the handler of a vector.

use core::hint::black_box;

use super::{catch, fixup};
use crate::{
    atomic_fn::AtomicFn,
    context,
    entry::{Cause, PtRegs, Vector, native},
    pvops, tasks,
};

/// What handles an exception. It may change the registers that continue.
pub type Handler = fn(&mut PtRegs);

static HANDLERS: [AtomicFn<Handler>; 256] = [const { AtomicFn::empty() }; 256];

/// Sees an exception before anybody else; returns whether it is seen to.
pub(crate) type FirstHandler = fn(&mut PtRegs) -> bool;

static FIRST: AtomicFn<FirstHandler> = AtomicFn::empty();

static SYSTEM_CALL: AtomicFn<Handler> = AtomicFn::empty();

static NMI: AtomicFn<Handler> = AtomicFn::empty();

/// Sets the handler of a vector, or takes it away.
pub fn set_handler(vector: Vector, handler: Option<Handler>) {
    HANDLERS[usize::from(vector.0)].store(handler);
}

/// Sets who sees exceptions of processes first, and those of kernel instructions that have a fixup.
pub(crate) fn set_first_handler(handler: Option<FirstHandler>) {
    FIRST.store(handler);
}

/// Sets the handler of SYSCALL in user mode, or takes it away.
pub fn set_system_call_handler(handler: Option<Handler>) {
    SYSTEM_CALL.store(handler);
}

/// Sets the handler of the NMI callback, or takes it away.
pub fn set_nmi_handler(handler: Option<Handler>) {
    NMI.store(handler);
}

/// Handles an exception; called by its entry.
#[inline(never)]
pub(crate) fn handle(regs: &mut PtRegs) {
    let Cause::Exception(vector) = regs.cause() else {
        return unhandled(regs);
    };
    if let Some(first) = FIRST.load()
        && (regs.is_user() || fixup::is_there(regs))
        && first(regs)
    {
        return;
    }
    if fixup::apply(regs, vector) {
        return;
    }
    dispatch(&HANDLERS[usize::from(vector.0)], regs);
}

/// Handles SYSCALL in user mode; called by its entry.
#[inline(never)]
pub(crate) fn handle_system_call(regs: &mut PtRegs) {
    match SYSTEM_CALL.load() {
        Some(handler) => handler(regs),
        None => without_handler(regs),
    }
}

/// Handles a non-maskable interrupt, of a callback of its own or of the trap table; called by its
/// entry.
#[inline(never)]
pub(crate) fn handle_nmi(regs: &mut PtRegs) {
    match (NMI.load(), regs.cause()) {
        (Some(handler), Cause::Nmi) => handler(regs),
        (_, Cause::Exception(Vector(vector))) => {
            dispatch(&HANDLERS[usize::from(vector)], regs);
        }
        _ => unhandled(regs),
    }
}

/// Lets other tasks run before a process goes on.
///
/// A process has been entered on the stack of its own task, which can be left there. Where code runs
/// in ring 3 without being a process, an upcall goes back to whoever runs it ([`crate::user::run`]).
#[inline(never)]
pub(crate) fn leave_user(regs: &mut PtRegs) {
    if !tasks::preempt_process() && regs.cause() == Cause::Event {
        catch::deliver(regs);
    }
}

fn dispatch(handler: &AtomicFn<Handler>, regs: &mut PtRegs) {
    match handler.load() {
        Some(handler) => handler(regs),
        None => without_handler(regs),
    }
}

/// Handles what has no handler; out of the way of what has.
#[cold]
#[inline(never)]
fn without_handler(regs: &mut PtRegs) {
    if is_step_into_system_call(regs) {
        return;
    }
    // Who waits has not called what an interrupt does.
    if context::current().count.in_interrupt() || !catch::deliver(regs) {
        unhandled(regs);
    }
}

/// Whether a process has stepped into SYSCALL with TF, or MOV SS has held its breakpoint back until
/// there: on bare hardware it traps on the kernel's first instruction. It goes on; that TF is set the
/// process is told behind the call.
fn is_step_into_system_call(regs: &PtRegs) -> bool {
    let is_debug = regs.cause() == Cause::Exception(Vector(1)) && !regs.is_user();
    let entries = [native::syscall_address(), native::process_call_address()];
    is_debug && entries.iter().any(|entry| entry.as_u64() == regs.rip)
}

/// Ends the kernel.
fn unhandled(regs: &PtRegs) {
    let cr2 = pvops::read_cr2();
    // The compiler must not find out: in a kernel that sets no handlers it would leave out the
    // entry's way back, and with it the points by which entry code is checked.
    let is_handled = black_box(false);
    assert!(
        is_handled,
        "unhandled {:?}, cr2 {cr2:#x}\n{regs}\n  at {:#018x}",
        regs.cause(),
        regs.rip
    );
}
