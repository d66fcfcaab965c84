//! Page tables: `mmu_update`, `update_va_mapping` and `mmuext_op` (`xen/public/xen.h`).
//!
//! Nothing is validated: frame numbers are guest-physical, EPT keeps a guest to its own memory, and
//! a guest that writes nonsense into its tables harms itself. What a table is used for is not
//! remembered either.

mod batch;
mod extended;
mod update;
mod va_mapping;

pub(super) use extended::mmuext_op;
pub(super) use update::mmu_update;
pub(super) use va_mapping::{update_va_mapping, update_va_mapping_otherdomain};

use super::OwnState;
use crate::address::{DomId, Gfn, Gpa, Gva, to_u64};
use crate::guest_access::Fault;
use crate::guest_memory::GuestMemory;
use crate::hole::Hole;
use xenolith_abi::domain::{IO, SELF};
use xenolith_abi::errno::{EINVAL, ESRCH};
use xenolith_abi::guest_layout::HYPERVISOR_L4_FIRST;

/// Why a request is not done: an error number, positive.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Refusal(i64);

/// The caller, as requests about page tables see it.
#[derive(Debug)]
pub(super) struct Tables<'a, S> {
    pub(super) state: &'a mut S,
    pub(super) hole: &'a Hole,
    pub(super) domain: DomId,
}

/// Whose memory a request names.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Owner {
    Caller,
    /// Memory of devices, of which no domain has any.
    Devices,
}

/// Finds the domain that a request names. Its own number does not name the caller, as on Xen.
fn owner(named: u16) -> Result<Owner, Refusal> {
    match named {
        SELF => Ok(Owner::Caller),
        IO => Ok(Owner::Devices),
        _ => Err(Refusal(ESRCH)),
    }
}

impl<S: OwnState> Tables<'_, S> {
    /// Returns the address of a frame that the guest has.
    fn frame(&mut self, gfn: Gfn) -> Result<Gpa, Refusal> {
        let at = gfn.gpa().ok_or(Refusal(EINVAL))?;
        self.state.memory().read_word(at).map(|_| at).ok_or(Refusal(EINVAL))
    }

    /// Puts the hypervisor's entries into a frame that becomes a top-level table, and returns its
    /// address. Done each time, since the guest may have changed them.
    fn top_level(&mut self, gfn: Gfn) -> Result<Gpa, Refusal> {
        let table = self.frame(gfn)?;
        for (slot, entry) in (HYPERVISOR_L4_FIRST..).zip(self.hole.entries()) {
            let at = Gpa(table.0 + 8 * to_u64(slot));
            self.state.memory().replace_word(at, entry, 0).ok_or(Refusal(EINVAL))?;
        }
        Ok(table)
    }

    /// Returns whether the bitmap at `at` names the calling vCPU, which is the only one.
    fn names_caller(&mut self, at: Gva) -> Result<bool, Fault> {
        let word: u64 = self.state.space().read(at)?;
        Ok(word & 1 != 0)
    }
}
