//! The port of handlers that touch nothing but the caller's own state: its memory, its address
//! space, the registers that belong to it. Root has these; the resident has them too, so what is
//! written against this port can move there.

use crate::address::{Gpa, Gva};
use crate::guest_access::GuestSpace;
use crate::guest_memory::GuestMemory;

/// The calling vCPU's own state.
pub trait OwnState {
    /// The memory of the calling domain.
    type Memory: GuestMemory;

    /// Returns the memory of the calling domain.
    fn memory(&mut self) -> &mut Self::Memory;

    /// Returns CR3 of the calling vCPU.
    fn cr3(&self) -> u64;

    /// Loads CR3 of the calling vCPU with the address of a page, and drops the translations of the
    /// table before.
    fn load_cr3(&mut self, table: Gpa);

    /// Drops all translations of the calling vCPU.
    fn flush_translations(&mut self);

    /// Drops the calling vCPU's translation of the page at `address`, which may be any.
    fn flush_page(&mut self, address: Gva);

    /// Loads the local descriptor table: `entries` of them, at most 8192, from `base` on, which is
    /// a page's and canonical. With no entries there is no table.
    fn load_ldt(&mut self, base: Gva, entries: u16);

    /// Writes `bytes` to the hole, within a page, whatever the guest may do there.
    fn publish(&mut self, at: Gpa, bytes: &[u8]);

    /// Returns whether a call had better be cut here: an event is deliverable to the calling vCPU,
    /// or the machine wants attention. Asked after each bounded piece of work, never before the
    /// first, so that a call that is cut each time still ends.
    fn preempt(&mut self) -> bool;

    /// Returns the caller's address space.
    fn space(&mut self) -> GuestSpace<'_, Self::Memory> {
        let cr3 = self.cr3();
        GuestSpace::new(self.memory(), cr3)
    }
}
