//! `mmu_update`: many page-table entries by one call; `mmuext_op`: another top-level table.
//!
//! Under Xenolith a kernel may store to its tables itself; calls for entries are for kernels that keep
//! to what Xen asks for, and a lengthy thing to be preempted in.

use x86_64::PhysAddr;
use xenolith_abi::{
    domain::SELF,
    hypercall::{MMU_UPDATE, MMUEXT_OP},
    mmu::{MmuUpdate, MmuextOp, NEW_BASEPTR},
    xenolith::NO_RESTART,
};

use super::{
    Errno, address_of,
    pieces::{call_in_pieces, call_whole},
};

/// Bytes of a page.
const PAGE_BYTES: u64 = 4096;

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

/// Loads a top-level table, which the hypervisor gives its slots (`MMUEXT_NEW_BASEPTR`).
///
/// # Errors
///
/// `EINVAL` for a frame that is not the domain's.
///
/// # Safety
///
/// It must map what the kernel uses.
pub unsafe fn new_base_pointer(root: PhysAddr) -> Result<(), Errno> {
    let operation =
        MmuextOp { cmd: NEW_BASEPTR, padding: 0, arg1: root.as_u64() / PAGE_BYTES, arg2: 0 };
    let arguments = [address_of(&raw const operation), 1, 0, SELF.into(), 0];
    // SAFETY: the call reads its argument; the caller answers for the table.
    unsafe { call_whole::<MMUEXT_OP>(arguments) }.map(drop)
}
