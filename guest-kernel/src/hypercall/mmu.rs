//! `mmu_update`: many page-table entries by one call.
//!
//! Under Xenolith a kernel may store to its tables itself; these calls are for kernels that keep to
//! what Xen asks for, and a lengthy thing to be preempted in.

use xenolith_abi::{domain::SELF, hypercall::MMU_UPDATE, mmu::MmuUpdate, xenolith::NO_RESTART};

use super::{
    Errno, address_of,
    pieces::{call_in_pieces, call_whole},
};

fn arguments(updates: &[MmuUpdate], done: &mut u32) -> [u64; 5] {
    let done = address_of(&raw mut *done);
    [address_of(updates), updates.len() as u64, done, SELF.into(), 0]
}

/// Makes all updates, in order; returns how many.
///
/// # Errors
///
/// The hypervisor's for the first update that cannot be made; those before it have been.
///
/// # Safety
///
/// As for storing to the entries.
pub unsafe fn update(updates: &[MmuUpdate]) -> Result<u32, Errno> {
    let mut done = 0;
    // SAFETY: the call reads the list and writes the count; the caller answers for the updates.
    unsafe { call_whole::<MMU_UPDATE>(arguments(updates, &mut done)) }?;
    Ok(done)
}

/// As [`update`]; calls `between` each time the call was cut.
///
/// # Errors
///
/// As [`update`].
///
/// # Safety
///
/// As for [`update`], with what `between` does in the middle.
pub unsafe fn update_in_pieces(updates: &[MmuUpdate], between: impl FnMut()) -> Result<u32, Errno> {
    const NUMBER: u32 = MMU_UPDATE | NO_RESTART;
    let mut done = 0;
    // SAFETY: as for `update`.
    unsafe { call_in_pieces::<NUMBER>(arguments(updates, &mut done), between) }?;
    Ok(done)
}
