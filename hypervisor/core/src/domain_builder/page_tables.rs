//! Writes a guest's first page tables.
//!
//! Entries carry the flags that Xen's tools write, but for one difference: Xen maps the pages that
//! hold page tables read-only and checks each change to them. Here a guest's page tables need no
//! protection (its frame numbers are guest-physical), so they are mapped writable like any page
//! and a kernel may store to them.

use xenolith_abi::guest_layout::{HYPERVISOR_L4_END, HYPERVISOR_L4_FIRST};

use super::frame_range::frame_address;
use super::guest_frames::GuestFrames;
use super::initial_mapping::{END_HYPERVISOR_ENTRY, FIRST_HYPERVISOR_ENTRY};
use super::layout::Layout;
use super::mapping::{ENTRIES, Level, Mapping};
use crate::address::{Gfn, Gpa};

const PRESENT: u64 = 1 << 0;
const WRITABLE: u64 = 1 << 1;
const USER: u64 = 1 << 2;
const ACCESSED: u64 = 1 << 5;
const DIRTY: u64 = 1 << 6;
const ENTRY_BYTES: u64 = 8;

/// Flags of an entry that maps a page: a supervisor's.
const PAGE_FLAGS: u64 = PRESENT | WRITABLE | ACCESSED;
/// Flags of an entry that refers to another table.
const TABLE_FLAGS: u64 = PRESENT | WRITABLE | USER | ACCESSED | DIRTY;

/// The entries that the hypervisor wants in its part of a guest's top-level table, as they are
/// to stand there.
pub type HypervisorEntries = [u64; HYPERVISOR_L4_END - HYPERVISOR_L4_FIRST];

/// Writes every table of a layout.
pub(super) fn write(
    layout: &Layout,
    hypervisor: &HypervisorEntries,
    memory: &mut impl GuestFrames,
) {
    let mappings = [Some(&layout.initial_mapping), layout.p2m.mapping.as_ref()];
    for mapping in mappings.into_iter().flatten() {
        for level in Level::FROM_TOP {
            write_level(mapping, level, mappings, memory);
        }
    }
    let top = frame_address(layout.top_table());
    let mut entries = hypervisor.iter().copied();
    memory.write_words(
        Gpa(top.0 + FIRST_HYPERVISOR_ENTRY * ENTRY_BYTES),
        END_HYPERVISOR_ENTRY - FIRST_HYPERVISOR_ENTRY,
        |_| entries.next().unwrap_or(0),
    );
}

/// Writes the tables of one level that a mapping brought along.
///
/// A table on the border of two mappings has entries of both, so each entry asks all of them.
fn write_level(
    owner: &Mapping,
    level: Level,
    mappings: [Option<&Mapping>; 2],
    memory: &mut impl GuestFrames,
) {
    let tables = owner.tables.run(level);
    for table in 0..tables.frames.count {
        let first_child = (tables.first + table) * ENTRIES;
        let frame = Gfn(tables.frames.first.0 + table);
        memory.write_words(frame_address(frame), ENTRIES, |index| {
            let child = first_child + index;
            let target = mappings.iter().flatten().find_map(|map| map.child(level, child));
            target.map_or(0, |frame| entry(level, frame))
        });
    }
}

/// Returns the entry of a table of `level` that refers to a frame.
fn entry(level: Level, frame: Gfn) -> u64 {
    let flags = if level == Level::L1 { PAGE_FLAGS } else { TABLE_FLAGS };
    frame_address(frame).0 | flags
}

#[cfg(test)]
mod tests;
