//! Pages that the guest grants to domain 0, whose part the hypervisor plays.

use super::mistake::Mistake;
use crate::address::{DomId, Gfn, Gpa};
use crate::grant_table::{self, Access, GrantTable};
use crate::guest_memory::GuestMemory;

/// Who back ends are.
pub(super) const BACK_END: DomId = DomId(0);

/// A granted page in use; [`Self::end`] ends that.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Granted {
    /// The page.
    pub(super) page: Gpa,
    /// The frame, as the entry names it.
    pub(super) frame: u32,
    entry: Gpa,
    /// Flags that were set for this use, and not before for another.
    marks: u16,
}

impl Granted {
    /// Begins to use the page of grant `reference`.
    ///
    /// # Errors
    ///
    /// When the grant does not permit it.
    pub(super) fn begin<M: GuestMemory>(
        memory: &mut M,
        table: GrantTable,
        reference: u32,
        access: Access,
    ) -> Result<Self, Mistake> {
        let refused = |entry| Mistake::Grant { reference, access, entry };
        let at = table.place(reference).map_err(|_| refused(None))?;
        let before = grant_table::begin_use(memory, at, BACK_END, access)
            .map_err(|_| refused(grant_table::read(memory, at).ok()))?;
        let marks = access.flags() & !before.flags;
        let frame = before.frame;
        let Some(page) = Gfn(frame.into()).gpa() else {
            grant_table::end_use(memory, at, marks);
            return Err(Mistake::Frame { reference, frame });
        };
        Ok(Self { page, frame, entry: at, marks })
    }

    /// Ends the use.
    pub(super) fn end<M: GuestMemory>(self, memory: &mut M) {
        grant_table::end_use(memory, self.entry, self.marks);
    }
}
