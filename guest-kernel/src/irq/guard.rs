//! Events disabled for the length of a scope.

use core::marker::PhantomData;

use super::{Flags, irq_disable, restore_fl, save_fl};

/// While this lives, events are disabled; what was before comes back when it is dropped.
///
/// Guards are dropped in the reverse order of their making. They belong to one vCPU.
#[derive(Debug)]
#[must_use = "events are enabled again as soon as the guard is dropped"]
pub struct EventsOff {
    before: Flags,
    /// Flags of one vCPU mean nothing to another.
    not_send: PhantomData<*const ()>,
}

impl EventsOff {
    /// Disables events.
    #[inline]
    pub(super) fn new() -> Self {
        let before = save_fl();
        irq_disable();
        Self { before, not_send: PhantomData }
    }
}

impl Drop for EventsOff {
    #[inline]
    fn drop(&mut self) {
        restore_fl(self.before);
    }
}
