//! Four-level address translation tables: the hypervisor's own and EPT share their shape.
//!
//! Both are trees of 512-entry tables whose leaves may be 4 KiB, 2 MiB or 1 GiB. They differ in
//! the bits of an entry, which a [`Format`] gives. Tables are reached through [`TableFrames`].

use crate::address::{Hpa, PAGE_SIZE, to_u64, to_usize};

/// Bits of an entry that hold a physical address, in the hypervisor's, EPT's and a guest's tables.
pub const ADDRESS_MASK: u64 = 0x000f_ffff_ffff_f000;
/// The bit that makes an entry of level 2 or 3 a leaf, in both formats.
pub const LARGE: u64 = 1 << 7;

/// How entries are written (SDM 3A, "4-Level Paging"; SDM 3C, "EPT Translation Mechanism").
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Format {
    /// An entry with none of these bits set maps nothing.
    pub present: u64,
    /// Flags of an entry that refers to a table.
    pub table: u64,
    /// The highest level at which a leaf may stand: 1 (4 KiB), 2 (2 MiB) or 3 (1 GiB).
    pub max_leaf_level: u32,
}

/// The memory that holds tables.
pub trait TableFrames {
    /// Takes a zeroed frame for a table, or returns `None` when memory is used up.
    fn allocate_table(&mut self) -> Option<Hpa>;
    /// Returns entry `index` (below 512) of the table at `table`.
    fn entry(&self, table: Hpa, index: usize) -> u64;
    /// Writes entry `index` (below 512) of the table at `table`.
    fn set_entry(&mut self, table: Hpa, index: usize, value: u64);

    /// Takes a frame for a table whose entry n is `first` + n * `step`.
    fn allocate_filled(&mut self, first: u64, step: u64) -> Option<Hpa> {
        let table = self.allocate_table()?;
        let mut entry = first;
        for index in 0..ENTRIES {
            self.set_entry(table, index, entry);
            entry = entry.wrapping_add(step);
        }
        Some(table)
    }
}

/// Memory for tables that takes them back.
pub trait TablesReturned: TableFrames {
    /// Takes back a table that [`TableFrames::allocate_table`] gave and that nothing leads to.
    fn return_table(&mut self, table: Hpa);
}

/// Entries of a table.
const ENTRIES: usize = 512;
/// Pages that an entry of level 2 spans.
pub const LARGE_PAGES: u64 = 512;

/// Why a range was not mapped. What was mapped before the error stays mapped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MapError {
    /// No memory is left for tables.
    OutOfMemory,
    /// Part of the range is mapped already, from this address on.
    AlreadyMapped(u64),
    /// An address or the length is not a multiple of the page size, or leaves the space.
    Misaligned,
}

/// A tree of tables.
#[derive(Clone, Copy, Debug)]
pub struct PageMap {
    root: Hpa,
    format: Format,
}

/// What an address translates to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Translation {
    /// The host-physical address.
    pub target: Hpa,
    /// The leaf entry.
    pub entry: u64,
    /// The level of the leaf: 1, 2 or 3.
    pub level: u32,
}

/// Returns the index into a table of `level` (1 to 4) that `address` selects.
#[inline]
pub fn table_index(address: u64, level: u32) -> usize {
    to_usize((address >> level_shift(level)) & 511)
}

/// Returns log2 of the bytes that one entry of a table of `level` spans.
pub const fn level_shift(level: u32) -> u32 {
    3 + 9 * level
}

impl PageMap {
    /// Starts an empty tree, or returns `None` when memory is used up.
    pub fn new(format: Format, frames: &mut impl TableFrames) -> Option<Self> {
        Some(Self { root: frames.allocate_table()?, format })
    }

    /// Returns the address of the top-level table.
    pub const fn root(&self) -> Hpa {
        self.root
    }

    /// Maps `bytes` bytes from `from` to `to` with `flags`, by the largest pages that fit.
    ///
    /// # Errors
    ///
    /// See [`MapError`].
    pub fn map(
        &self,
        frames: &mut impl TableFrames,
        from: u64,
        to: Hpa,
        bytes: u64,
        flags: u64,
    ) -> Result<(), MapError> {
        let aligned = (from | to.0 | bytes).is_multiple_of(PAGE_SIZE);
        let fits = bytes == 0
            || (from.checked_add(bytes - 1).is_some() && to.checked_add(bytes - 1).is_some());
        if !aligned || !fits {
            return Err(MapError::Misaligned);
        }
        let mut done = 0;
        while done < bytes {
            let (at, target) = (from + done, to.0 + done);
            let level = self.leaf_level(at | target, bytes - done);
            self.map_leaf(frames, at, target | flags, level)?;
            done += 1 << level_shift(level);
        }
        Ok(())
    }

    /// Replaces the entries that map the `count` pages from `at` on: page n by `entry(n)`, 0 for
    /// nothing. Larger pages are split, which takes a table per level.
    ///
    /// # Errors
    ///
    /// When no memory is left for tables, or nothing above level 2 leads to a page; those before it
    /// are replaced.
    pub fn replace_pages(
        &self,
        frames: &mut impl TableFrames,
        at: u64,
        count: u64,
        entry: impl Fn(u64) -> u64,
    ) -> Result<(), MapError> {
        let mut done = 0;
        while done < count {
            let page = at + done * PAGE_SIZE;
            let table = self.last_table(frames, page)?;
            let first = table_index(page, 1);
            let slots = first..ENTRIES.min(first + to_usize(count - done));
            for (number, slot) in (done..).zip(slots.clone()) {
                frames.set_entry(table, slot, entry(number));
            }
            done += to_u64(slots.len());
        }
        Ok(())
    }

    /// Replaces whatever maps the [`LARGE_PAGES`] pages from `at` on, which is aligned, by one leaf
    /// for `entry`, or by nothing if it is 0. Returns whether a table was given back, which the CPU
    /// may still know.
    ///
    /// # Errors
    ///
    /// When there are no such leaves, or nothing above level 2 leads there; nothing is replaced then.
    pub fn replace_large(
        &self,
        frames: &mut impl TablesReturned,
        at: u64,
        entry: u64,
    ) -> Result<bool, MapError> {
        const MASK: u64 = (1 << level_shift(2)) - 1;
        if (at | entry & ADDRESS_MASK) & MASK != 0 || self.format.max_leaf_level < 2 {
            return Err(MapError::Misaligned);
        }
        let directory = self.directory(frames, at)?;
        let index = table_index(at, 2);
        let old = frames.entry(directory, index);
        frames.set_entry(directory, index, if entry == 0 { 0 } else { entry | LARGE });
        let had_table = old & self.format.present != 0 && !is_leaf(old, 2);
        if had_table {
            frames.return_table(Hpa(old & ADDRESS_MASK));
        }
        Ok(had_table)
    }

    /// Returns the table of level 1 that maps `at`, after splitting what is larger.
    fn last_table(&self, frames: &mut impl TableFrames, at: u64) -> Result<Hpa, MapError> {
        let directory = self.directory(frames, at)?;
        let index = table_index(at, 2);
        let old = frames.entry(directory, index);
        if old & self.format.present != 0 && !is_leaf(old, 2) {
            return Ok(Hpa(old & ADDRESS_MASK));
        }
        self.split(frames, directory, index, 2)
    }

    /// Returns the table of level 2 that maps `at`, after splitting what is larger.
    fn directory(&self, frames: &mut impl TableFrames, at: u64) -> Result<Hpa, MapError> {
        let mut table = self.root;
        for level in (3..=4).rev() {
            let index = table_index(at, level);
            let old = frames.entry(table, index);
            table = if old & self.format.present == 0 {
                return Err(MapError::Misaligned);
            } else if is_leaf(old, level) {
                self.split(frames, table, index, level)?
            } else {
                Hpa(old & ADDRESS_MASK)
            };
        }
        Ok(table)
    }

    /// Replaces a leaf of `level`, or nothing, by a table of as much below it, and returns that.
    fn split(
        &self,
        frames: &mut impl TableFrames,
        table: Hpa,
        index: usize,
        level: u32,
    ) -> Result<Hpa, MapError> {
        let leaf = frames.entry(table, index);
        let first = if level == 2 { leaf & !LARGE } else { leaf };
        let new = if leaf & self.format.present == 0 {
            frames.allocate_table()
        } else {
            frames.allocate_filled(first, 1 << level_shift(level - 1))
        };
        let new = new.ok_or(MapError::OutOfMemory)?;
        // Complete before it can be reached.
        frames.set_entry(table, index, new.0 | self.format.table);
        Ok(new)
    }

    /// Returns what `address` translates to, or `None`.
    pub fn translate(&self, frames: &impl TableFrames, address: u64) -> Option<Translation> {
        let mut table = self.root;
        for level in (1..=4).rev() {
            let entry = frames.entry(table, table_index(address, level));
            if entry & self.format.present == 0 {
                return None;
            }
            if is_leaf(entry, level) {
                let within = (1 << level_shift(level)) - 1;
                let target = Hpa((entry & ADDRESS_MASK & !within) | (address & within));
                return Some(Translation { target, entry, level });
            }
            table = Hpa(entry & ADDRESS_MASK);
        }
        None
    }

    /// Calls `visit` with address, entry and level of each leaf, in ascending order.
    pub fn for_each_leaf(&self, frames: &impl TableFrames, visit: &mut impl FnMut(u64, u64, u32)) {
        self.visit_table(frames, self.root, 0, 4, visit);
    }

    fn visit_table(
        &self,
        frames: &impl TableFrames,
        table: Hpa,
        base: u64,
        level: u32,
        visit: &mut impl FnMut(u64, u64, u32),
    ) {
        let mut at = base;
        for index in 0..512 {
            let entry = frames.entry(table, index);
            if entry & self.format.present != 0 {
                if is_leaf(entry, level) {
                    visit(at, entry, level);
                } else {
                    self.visit_table(frames, Hpa(entry & ADDRESS_MASK), at, level - 1, visit);
                }
            }
            at = at.wrapping_add(1 << level_shift(level));
        }
    }

    fn leaf_level(&self, alignment: u64, bytes: u64) -> u32 {
        let fits = |level: &u32| {
            let size = 1 << level_shift(*level);
            alignment.is_multiple_of(size) && bytes >= size
        };
        (2..=self.format.max_leaf_level).rev().find(fits).unwrap_or(1)
    }

    fn map_leaf(
        &self,
        frames: &mut impl TableFrames,
        at: u64,
        entry: u64,
        leaf_level: u32,
    ) -> Result<(), MapError> {
        let mut table = self.root;
        for level in (leaf_level + 1..=4).rev() {
            let index = table_index(at, level);
            let old = frames.entry(table, index);
            table = if old & self.format.present == 0 {
                let new = frames.allocate_table().ok_or(MapError::OutOfMemory)?;
                frames.set_entry(table, index, new.0 | self.format.table);
                new
            } else if is_leaf(old, level) {
                return Err(MapError::AlreadyMapped(at));
            } else {
                Hpa(old & ADDRESS_MASK)
            };
        }
        let index = table_index(at, leaf_level);
        if frames.entry(table, index) & self.format.present != 0 {
            return Err(MapError::AlreadyMapped(at));
        }
        let large = if leaf_level > 1 { LARGE } else { 0 };
        frames.set_entry(table, index, entry | large);
        Ok(())
    }
}

const fn is_leaf(entry: u64, level: u32) -> bool {
    level == 1 || (level < 4 && entry & LARGE != 0)
}

#[cfg(test)]
mod tests;
