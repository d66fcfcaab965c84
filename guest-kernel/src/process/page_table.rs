//! The page tables of a process: the lower half of a top-level table, and what hangs from it.
//!
//! Tables are reached through [`Tables`], so that walks run on the host. Entries are atomics, because
//! the processor sets accessed and dirty bits. Entries of tables allow everything; what a process may
//! do stands in the last level.

use core::{
    ops::Range,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use x86_64::{PhysAddr, structures::paging::PageTableFlags as Flags};

use super::regions::PAGE;
use crate::paging::FRAME_BITS;

/// Where tables come from and how they are reached.
pub trait Tables {
    /// Takes a table without entries.
    fn allocate(&self) -> Option<PhysAddr>;
    /// Gives a table back.
    fn release(&self, table: PhysAddr);
    /// Returns an entry of a table.
    fn entry(&self, table: PhysAddr, index: usize) -> &AtomicU64;
}

/// What entries of tables have.
const TABLE: Flags = Flags::PRESENT.union(Flags::WRITABLE).union(Flags::USER_ACCESSIBLE);

/// Levels of tables, and bits of an address that each of them looks at.
const LEVELS: u32 = 4;
const BITS: u32 = 9;
const ENTRIES: u64 = 1 << BITS;

/// Returns what an entry of a level maps.
const fn span(level: u32) -> u64 {
    PAGE << (BITS * (level - 1))
}

/// Returns the index of an address in a table of a level.
fn index(address: u64, level: u32) -> usize {
    usize::try_from(address / span(level) % ENTRIES).unwrap_or(0)
}

/// Returns what an entry names.
pub fn target(entry: u64) -> PhysAddr {
    PhysAddr::new(entry & FRAME_BITS)
}

fn is_present(entry: u64) -> bool {
    entry & Flags::PRESENT.bits() != 0
}

/// Returns the entry of the last level for an address, if there are tables as far as there.
pub fn find(tables: &impl Tables, root: PhysAddr, address: u64) -> Option<&AtomicU64> {
    let mut table = root;
    for level in (2..=LEVELS).rev() {
        let entry = tables.entry(table, index(address, level)).load(Relaxed);
        table = is_present(entry).then(|| target(entry))?;
    }
    Some(tables.entry(table, index(address, 1)))
}

/// As [`find`]; makes the tables that are missing. `None` if there is no memory for them.
pub fn make(tables: &impl Tables, root: PhysAddr, address: u64) -> Option<&AtomicU64> {
    let mut table = root;
    for level in (2..=LEVELS).rev() {
        let entry = tables.entry(table, index(address, level));
        table = if is_present(entry.load(Relaxed)) {
            target(entry.load(Relaxed))
        } else {
            let new = tables.allocate()?;
            entry.store(new.as_u64() | TABLE.bits(), Relaxed);
            new
        };
    }
    Some(tables.entry(table, index(address, 1)))
}

/// Takes every entry of pages in a range away, and gives it to `each`; tables of which the range has
/// everything are given back, but the top-level one. The range lies in the lower half.
pub fn take(tables: &impl Tables, root: PhysAddr, range: &Range<u64>, each: &mut impl FnMut(u64)) {
    take_level(tables, root, LEVELS, 0, range, each);
}

fn take_level(
    tables: &impl Tables,
    table: PhysAddr,
    level: u32,
    base: u64,
    range: &Range<u64>,
    each: &mut impl FnMut(u64),
) {
    let span = span(level);
    let first = range.start.saturating_sub(base) / span;
    let behind = range.end.saturating_sub(base).div_ceil(span).min(ENTRIES);
    for number in first..behind {
        let start = base + number * span;
        let entry = tables.entry(table, index(start, level));
        let word = entry.load(Relaxed);
        if !is_present(word) {
            continue;
        }
        if level == 1 {
            entry.store(0, Relaxed);
            each(word);
            continue;
        }
        take_level(tables, target(word), level - 1, start, range, each);
        if range.start <= start && start + span <= range.end {
            entry.store(0, Relaxed);
            tables.release(target(word));
        }
    }
}

#[cfg(test)]
mod tests;
