//! Events in scenarios: turned on at the start, and accounted for at the end.

use core::{
    hint::spin_loop,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use xenolith_guest::{
    check_eq,
    events::{self, Handler, Port},
    hypercall::{
        Errno,
        event_channel::{Virq, bind_ipi, bind_virq},
    },
    scenario::Checks,
    shared_info::{BITMAP_WORDS, shared_info},
    time, traps,
    vcpu::VcpuId,
};

/// Turns on exceptions and upcalls; events stay disabled.
pub fn install(checks: &mut Checks) {
    check_eq!(checks, traps::install(), Ok(()));
    check_eq!(checks, events::install(), Ok(()));
}

/// Returns an unmasked port through which the kernel sends itself.
///
/// # Errors
///
/// The hypervisor's.
pub fn ipi(handler: Handler) -> Result<Port, Errno> {
    bind_ipi(VcpuId::BOOT).map(|port| served(port, handler))
}

/// Returns an unmasked port for a virtual interrupt.
///
/// # Errors
///
/// The hypervisor's.
pub fn virq(number: u32, handler: Handler) -> Result<Port, Errno> {
    bind_virq(Virq(number), VcpuId::BOOT).map(|port| served(port, handler))
}

fn served(port: Port, handler: Handler) -> Port {
    events::set_handler(port, handler);
    events::unmask(port);
    port
}

/// Returns whether a port has an event that has not been taken.
pub fn is_pending(port: Port) -> bool {
    word_of(port).load(Relaxed) & port.bit() != 0
}

fn word_of(port: Port) -> &'static AtomicU64 {
    shared_info().pending(usize::try_from(port.word()).unwrap_or(usize::MAX))
}

/// Forgets an event that is to be neither served nor left.
pub fn forget(port: Port) {
    word_of(port).fetch_and(!port.bit(), Relaxed);
}

/// Waits, without entering the hypervisor, until something is so; returns whether it has become so.
pub fn spin_until(patience: Duration, is_so: impl Fn() -> bool) -> bool {
    let deadline = time::now() + patience;
    while !is_so() {
        if time::now() >= deadline {
            return false;
        }
        spin_loop();
    }
    true
}

/// Checks that every event has been taken, and that none came where none was waited for.
pub fn check_nothing_left(checks: &mut Checks) {
    let vcpu = shared_info().vcpu(0);
    let left = |word: &usize| shared_info().pending(*word).load(Relaxed) != 0;
    check_eq!(checks, (0..BITMAP_WORDS).find(left), None, "word of the pending bitmap");
    check_eq!(checks, vcpu.pending_selector().load(Relaxed), 0, "selector at the end");
    check_eq!(checks, vcpu.upcall_pending().load(Relaxed), 0, "upcall pending at the end");
    check_eq!(checks, events::unexpected(), 0, "events of other ports");
}
