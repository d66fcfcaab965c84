//! The walk from a top-level table to one entry.

use core::{
    fmt,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use x86_64::{
    PhysAddr, VirtAddr,
    structures::paging::{PageTableFlags as Flags, page_table::PageTableLevel as Level},
};

use super::{AddressSpace, BOOT_MAP, FRAME_BITS};
use crate::pvops;

/// Why a walk found no entry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WalkError {
    /// The entry at this level is not present.
    NotPresent(Level),
    /// The entry at this level maps a large page: there is no table below it.
    LargePage(Level),
    /// The table at this address is outside the boot mapping.
    Unreachable(PhysAddr),
}

impl fmt::Display for WalkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotPresent(level) => write!(f, "level {level:?} entry is not present"),
            Self::LargePage(level) => write!(f, "level {level:?} entry maps a large page"),
            Self::Unreachable(table) => write!(f, "table {table:?} is outside the boot mapping"),
        }
    }
}

/// One live page-table entry.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    cell: &'static AtomicU64,
    level: Level,
}

impl Entry {
    /// Returns the entry as it is now.
    pub fn load(&self) -> u64 {
        pvops::pte_val(self.cell.load(Relaxed))
    }

    /// Returns the entry's flags as they are now.
    pub fn flags(&self) -> Flags {
        Flags::from_bits_retain(self.load() & !FRAME_BITS)
    }

    /// Returns the level of the table the entry is in.
    pub fn level(&self) -> Level {
        self.level
    }

    /// Returns where `address` lies in the memory this leaf maps.
    pub fn target(&self, address: VirtAddr) -> PhysAddr {
        let offset = address.as_u64() & (bytes_mapped(self.level) - 1);
        PhysAddr::new_truncate(self.load() & FRAME_BITS & !(bytes_mapped(self.level) - 1)) + offset
    }

    /// Replaces the entry; the CPU may use the old one until it is flushed.
    pub(crate) fn store(&self, value: u64) {
        // SAFETY: the cell is an entry; whoever changes it answers for what it maps.
        unsafe { pvops::set_pte(self.cell.as_ptr(), pvops::make_pte(value)) };
    }
}

/// Returns how much memory a leaf of the given level maps.
fn bytes_mapped(level: Level) -> u64 {
    level.entry_address_space_alignment()
}

impl AddressSpace {
    /// Returns the entry for `address` in the table of the given level, present or not.
    ///
    /// # Errors
    ///
    /// If an entry above it is absent, maps a large page, or names a table out of reach.
    pub fn entry(&self, address: VirtAddr, level: Level) -> Result<Entry, WalkError> {
        let mut table = self.root;
        for above in [Level::Four, Level::Three, Level::Two] {
            if above == level {
                break;
            }
            let entry = self.select(table, address, above)?;
            let flags = entry.flags();
            if !flags.contains(Flags::PRESENT) {
                return Err(WalkError::NotPresent(above));
            }
            if above != Level::Four && flags.contains(Flags::HUGE_PAGE) {
                return Err(WalkError::LargePage(above));
            }
            table = PhysAddr::new(entry.load() & FRAME_BITS);
        }
        self.select(table, address, level)
    }

    /// Returns the entry that `address` selects in the table at `table`.
    fn select(&self, table: PhysAddr, address: VirtAddr, level: Level) -> Result<Entry, WalkError> {
        if table >= self.reachable {
            return Err(WalkError::Unreachable(table));
        }
        let index = usize::from(address.page_table_index(level));
        let base = (BOOT_MAP + table.as_u64()).as_mut_ptr::<u64>();
        // SAFETY: the table is mapped writable in the boot mapping, which is never taken away,
        // and its entries are accessed as atomics only.
        let cell = unsafe { AtomicU64::from_ptr(base.wrapping_add(index)) };
        Ok(Entry { cell, level })
    }
}
