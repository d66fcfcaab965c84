//! Events: which handler serves which port, and the way from an upcall to it.
//!
//! A kernel calls [`install`] once, sets a handler for a port with [`set_handler`], and enables
//! events ([`crate::irq`]). Handlers run on the stack of upcalls, with events disabled;
//! they may use whatever is behind an [`EventsOffLock`](crate::irq::EventsOffLock). Nothing here
//! allocates.

mod bitmaps;
mod drain;
mod handlers;
// See `irq::interleavings`.
#[cfg(test)]
#[cfg(not(miri))]
mod interleavings;
mod port;
#[cfg(test)]
mod tests;
#[cfg(target_os = "none")]
mod upcall;

pub use bitmaps::Bitmaps;
pub use drain::{Cursor, drain, unmask as unmask_on};
pub use handlers::{Handler, clear_handler, count, set_handler, unexpected};
pub use port::{PORTS, Port};
#[cfg(target_os = "none")]
pub(crate) use upcall::handle;
#[cfg(target_os = "none")]
pub use upcall::{install, serve, set_observer, upcalls};

use crate::{irq, shared_info, vcpu};

/// Masks a port: its events wait. Returns whether it was not masked before.
///
/// # Panics
///
/// If there is no such port.
pub fn mask(port: Port) -> bool {
    assert!(port.is_valid(), "no port {port}");
    shared_info::of_vcpu(vcpu::current()).mask_port(port)
}

/// Takes the mask off a port that notifies this vCPU; an event that waited is delivered, at once if
/// events are enabled.
///
/// For a port that notifies another vCPU there is
/// [`hypercall::event_channel::unmask`](crate::hypercall::event_channel::unmask).
///
/// # Panics
///
/// If there is no such port.
pub fn unmask(port: Port) {
    assert!(port.is_valid(), "no port {port}");
    let _guard = irq::disable_for_now();
    let vcpu = shared_info::of_vcpu(vcpu::current());
    drain::unmask(&vcpu, port);
    #[cfg(target_os = "none")]
    if irq::UpcallFlag::is_pending(&vcpu) {
        (crate::platform::current().request_upcall)();
    }
}
