//! Updates of page tables, or of what is none.

use crate::{
    abi::mmu::MmuUpdate,
    hypercall::{Errno, mmu},
};

/// Makes all updates by one call; returns how many.
///
/// # Errors
///
/// The hypervisor's.
pub fn update(updates: &[MmuUpdate]) -> Result<u32, Errno> {
    // SAFETY: see the module `probe`; scenarios update pages in which Rust keeps nothing.
    unsafe { mmu::update(updates) }
}

/// Makes all updates piece by piece, with `between` in between.
///
/// # Errors
///
/// The hypervisor's.
pub fn update_in_pieces(updates: &[MmuUpdate], between: impl FnMut()) -> Result<u32, Errno> {
    // SAFETY: as for `update`.
    unsafe { mmu::update_in_pieces(updates, between) }
}
