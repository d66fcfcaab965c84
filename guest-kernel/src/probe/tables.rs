//! Page-table entries at any level, to any value.

use x86_64::{
    VirtAddr, instructions::tlb, structures::paging::page_table::PageTableLevel as Level,
};

use crate::paging::{AddressSpace, WalkError};

/// Replaces the entry for `address` in the table of the given level; returns the old one.
///
/// # Errors
///
/// If there is no such table, or it is out of the kernel's reach.
pub fn replace_entry(
    space: AddressSpace,
    address: VirtAddr,
    level: Level,
    value: u64,
) -> Result<u64, WalkError> {
    let entry = space.entry(address, level)?;
    let old = entry.load();
    // What is mapped by it is the scenario's business: see the module `probe`.
    entry.store(value);
    tlb::flush_all();
    Ok(old)
}
