//! How far a guest's first page tables reach, and how many tables that takes.
//!
//! The tables lie in what they map, so their number depends on itself; the search below takes
//! Xen's steps, because where the mapping ends decides where everything behind it goes.

use xenolith_abi::guest_layout;

use super::frame_range::FrameRange;
use super::layout_error::{LayoutError, Part};
use super::mapping::{Mapping, Tables, Vpn};
use super::reservation::Reservation;
use crate::address::{Gfn, Gva, PAGE_SIZE};

/// The first top-level entry that belongs to the hypervisor.
pub(super) const FIRST_HYPERVISOR_ENTRY: u64 =
    Vpn::of(Gva(guest_layout::HYPERVISOR_VIRT_START)).top_level_entry();
/// The first top-level entry behind those.
pub(super) const END_HYPERVISOR_ENTRY: u64 =
    Vpn::of(Gva(guest_layout::HYPERVISOR_VIRT_END)).top_level_entry();

/// Pages behind the boot stack that are free, at least.
const PADDING_PAGES: u64 = (512 << 10) / PAGE_SIZE;
const BOOT_STACK_PAGES: u64 = 1;
/// The mapping ends at a multiple of this many pages.
const ALIGNMENT_PAGES: u64 = (4 << 20) / PAGE_SIZE;

/// Returns the mapping of a domain whose page tables come next in `memory`.
///
/// # Errors
/// If it does not fit into the memory or the address space.
pub(super) fn initial_mapping(
    virt_base: Gva,
    memory: &Reservation,
) -> Result<Mapping, LayoutError> {
    let first = Vpn::of(virt_base);
    let mut wanted = BOOT_STACK_PAGES + PADDING_PAGES;
    loop {
        let used_end = first.0 + memory.next().0;
        let end = ((used_end + wanted) | (ALIGNMENT_PAGES - 1)) + 1;
        let count = end - first.0;
        memory.check_end(count, Part::InitialMapping)?;
        check_area(virt_base, count, Part::InitialMapping)?;
        let tables = Tables::place(first, count, memory.next(), None);
        wanted = tables.count() + BOOT_STACK_PAGES + PADDING_PAGES;
        if used_end + wanted <= end {
            let frames = FrameRange { first: Gfn(0), count };
            return Ok(Mapping { first, frames, tables });
        }
    }
}

/// Returns the mapping of the p2m list at an address below the initial mapping.
///
/// Its tables follow the list, except those that the initial mapping has already.
///
/// # Errors
/// If it does not fit into the address space.
pub(super) fn separate_mapping(
    start: Gva,
    list: FrameRange,
    initial: &Mapping,
) -> Result<Mapping, LayoutError> {
    check_area(start, list.count, Part::P2m)?;
    let first = Vpn::of(start);
    if first.0 + list.count > initial.first.0 {
        return Err(LayoutError::P2mOverlapsImage { start });
    }
    let tables = Tables::place(first, list.count, list.end(), Some(&initial.tables));
    Ok(Mapping { first, frames: list, tables })
}

/// Checks that so many pages are in one half of the address space and outside the hypervisor's
/// part of it.
fn check_area(start: Gva, pages: u64, part: Part) -> Result<(), LayoutError> {
    let first = Vpn::of(start);
    let last = Vpn(first.0.saturating_add(pages - 1));
    if !start.is_canonical() || first.half() != last.half() {
        return Err(LayoutError::NotCanonical { part, start });
    }
    if first.top_level_entry() < END_HYPERVISOR_ENTRY
        && last.top_level_entry() >= FIRST_HYPERVISOR_ENTRY
    {
        return Err(LayoutError::InHypervisorArea { part, start });
    }
    Ok(())
}
