//! The port through which operations reach domains.

use super::channels::EventChannels;
use super::notify::Notify;
use crate::address::DomId;
use crate::guest_memory::GuestMemory;

/// The domains that there are.
pub trait Domains {
    /// The memory of a domain, with its shared words.
    type SharedMemory: GuestMemory;

    /// Runs `action` on the event channels of a domain and its memory, then publishes the records
    /// that it changed; or returns `None` if there is no such domain.
    fn with_channels<R>(
        &mut self,
        domain: DomId,
        action: impl FnOnce(&mut EventChannels, &mut Self::SharedMemory) -> R,
    ) -> Option<R>;

    /// Returns the event channels of a domain, if there is such a domain.
    fn channels(&self, domain: DomId) -> Option<&EventChannels>;

    /// Does what `notify` asks for.
    fn notify(&mut self, notify: Notify);
}
