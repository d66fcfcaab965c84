//! From an entry of the kernel to the handler of a vector.

use super::{catch, fixup};
use crate::{
    atomic_fn::AtomicFn,
    entry::{Frame, Vector},
    shared_info, vcpu,
};

/// What handles an exception. It may change the registers that continue.
pub type Handler = fn(&mut Frame);

static HANDLERS: [AtomicFn<Handler>; 256] = [const { AtomicFn::empty() }; 256];

static SYSTEM_CALL: AtomicFn<Handler> = AtomicFn::empty();

static NMI: AtomicFn<Handler> = AtomicFn::empty();

/// Sets the handler of a vector, or takes it away.
pub fn set_handler(vector: Vector, handler: Option<Handler>) {
    HANDLERS[usize::from(vector.0)].store(handler);
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
pub(crate) extern "C" fn handle(frame: &mut Frame) {
    let crate::entry::Cause::Exception(vector) = frame.cause() else {
        unhandled(frame);
    };
    if fixup::apply(frame, vector) {
        return;
    }
    dispatch(&HANDLERS[usize::from(vector.0)], frame);
}

/// Handles SYSCALL in user mode; called by its entry.
pub(crate) extern "C" fn handle_system_call(frame: &mut Frame) {
    dispatch(&SYSTEM_CALL, frame);
}

/// Handles the NMI callback; called by its entry.
pub(crate) extern "C" fn handle_nmi(frame: &mut Frame) {
    dispatch(&NMI, frame);
}

fn dispatch(handler: &AtomicFn<Handler>, frame: &mut Frame) {
    match handler.load() {
        Some(handler) => handler(frame),
        None if catch::deliver(frame) => {}
        None => unhandled(frame),
    }
}

/// Ends the kernel.
fn unhandled(frame: &Frame) -> ! {
    let cr2 = shared_info::of_vcpu(vcpu::current()).cr2();
    panic!("unhandled {:?}, cr2 {cr2:#x}\n{frame}", frame.cause());
}
