//! Extended page tables: how a domain's guest-physical memory is made of the host's.

use crate::page_map::Format;

/// Reads are allowed.
pub const READ: u64 = 1 << 0;
/// Writes are allowed.
pub const WRITE: u64 = 1 << 1;
/// Instruction fetches are allowed.
pub const EXECUTE: u64 = 1 << 2;
/// Memory type of a leaf: write-back.
pub const WRITE_BACK: u64 = 6 << 3;

/// Returns the format of EPT entries with leaves up to `max_leaf_level`.
pub const fn format(max_leaf_level: u32) -> Format {
    Format { present: READ | WRITE | EXECUTE, table: READ | WRITE | EXECUTE, max_leaf_level }
}

/// Returns the EPT pointer for tables below `root`: write-back, four levels, no accessed and
/// dirty flags (SDM 3C, "Extended-Page-Table Pointer").
pub const fn pointer(root: crate::address::Hpa) -> u64 {
    root.0 | 6 | 3 << 3
}
