//! One handler and one counter for each port.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::{PORTS, Port};
use crate::atomic_fn::AtomicFn;

/// What serves the events of a port. It runs with events disabled and may be interrupted by none,
/// unless it enables them itself.
pub type Handler = fn(Port);

const LENGTH: usize = PORTS as usize;

static HANDLERS: [AtomicFn<Handler>; LENGTH] = [const { AtomicFn::empty() }; LENGTH];

static COUNTS: [AtomicU64; LENGTH] = [const { AtomicU64::new(0) }; LENGTH];

/// Events of ports that had no handler.
static UNEXPECTED: AtomicU64 = AtomicU64::new(0);

/// Sets the handler of a port; an older one is replaced.
///
/// Neither masks nor unmasks the port: see [`super::unmask`].
///
/// # Panics
///
/// If there is no such port.
pub fn set_handler(port: Port, handler: Handler) {
    HANDLERS[port.index()].store(Some(handler));
}

/// Takes the handler of a port away; its events are masked and counted as unexpected from now on.
///
/// # Panics
///
/// If there is no such port.
pub fn clear_handler(port: Port) {
    HANDLERS[port.index()].store(None);
}

/// Returns how many events of a port have been served.
///
/// # Panics
///
/// If there is no such port.
pub fn count(port: Port) -> u64 {
    COUNTS[port.index()].load(Relaxed)
}

/// Returns how many events came to ports without a handler.
pub fn unexpected() -> u64 {
    UNEXPECTED.load(Relaxed)
}

/// Serves an event; a port without a handler is masked, so that it does not come again.
pub(super) fn call(port: Port) {
    COUNTS[port.index()].fetch_add(1, Relaxed);
    if let Some(handler) = HANDLERS[port.index()].load() {
        handler(port);
    } else {
        UNEXPECTED.fetch_add(1, Relaxed);
        super::mask(port);
    }
}
