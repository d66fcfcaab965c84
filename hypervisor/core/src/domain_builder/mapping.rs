//! Which page tables map a contiguous range of virtual pages.
//!
//! Pure numbers: a table is named by its level and by the part of the address space that it
//! covers, so the parent's entry for a table, and the table of a page, are found by shifting.
//! Numbers are taken from the low 48 bits of an address; the sign extension plays no part.

use super::frame_range::FrameRange;
use crate::address::{Gfn, Gva, PAGE_SHIFT};

/// Entries in a page table, and pages that a lowest-level table maps.
pub const ENTRIES: u64 = 512;
const ENTRIES_SHIFT: u32 = 9;
const VIRTUAL_BITS: u32 = 48;

/// The number of a virtual page: bits 47:12 of its address.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Ord, PartialOrd)]
pub struct Vpn(pub u64);

impl Vpn {
    /// Returns the page that holds the address.
    pub const fn of(address: Gva) -> Self {
        Self((address.0 & ((1 << VIRTUAL_BITS) - 1)) >> PAGE_SHIFT)
    }

    /// Returns bit 47 of the address and whatever is above it.
    pub fn half(self) -> u64 {
        self.0 >> (VIRTUAL_BITS - 1 - PAGE_SHIFT)
    }

    /// Returns which entry of the top-level table leads to the page.
    pub const fn top_level_entry(self) -> u64 {
        Level::L3.table_of(self)
    }
}

/// A level of the page tables; the number is Xen's and the manuals' (`L4` is the top).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Level {
    /// Page table: its entries map pages.
    L1,
    /// Page directory.
    L2,
    /// Page-directory-pointer table.
    L3,
    /// PML4: there is one.
    L4,
}

impl Level {
    /// Every level in the order in which their tables are placed.
    pub const FROM_TOP: [Self; 4] = [Self::L4, Self::L3, Self::L2, Self::L1];

    /// Returns which table of this level maps the page.
    pub const fn table_of(self, page: Vpn) -> u64 {
        page.0 >> (ENTRIES_SHIFT * (self.position() + 1))
    }

    const fn position(self) -> u32 {
        match self {
            Self::L1 => 0,
            Self::L2 => 1,
            Self::L3 => 2,
            Self::L4 => 3,
        }
    }
}

/// Tables of one level that cover consecutive parts of the address space, in consecutive frames.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct TableRun {
    /// The number of the first table, by [`Level::table_of`].
    pub first: u64,
    /// Where the tables are.
    pub frames: FrameRange,
}

impl TableRun {
    /// Returns the frame of a table, or `None` if it is not of this run.
    pub fn frame_of(&self, table: u64) -> Option<Gfn> {
        let offset = table.checked_sub(self.first)?;
        (offset < self.frames.count).then(|| Gfn(self.frames.first.0 + offset))
    }
}

/// The tables that a mapping brings along, a run for each level.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tables {
    /// The top level: one table, or none where another mapping brought it.
    pub l4: TableRun,
    /// The page-directory-pointer tables.
    pub l3: TableRun,
    /// The page directories.
    pub l2: TableRun,
    /// The tables that map pages.
    pub l1: TableRun,
}

impl Tables {
    /// Returns the tables for `pages` pages from `first` on, placed from `frame` on, top first.
    ///
    /// `above` holds tables that exist already, for an area wholly above this one: where the two
    /// areas meet in a table it is used and not made again.
    pub fn place(first: Vpn, pages: u64, frame: Gfn, above: Option<&Self>) -> Self {
        let mut next = frame;
        let mut run = |level: Level| {
            let (from, to) = (level.table_of(first), level.table_of(Vpn(first.0 + pages - 1)));
            let exists = above.is_some_and(|above| above.run(level).frame_of(to).is_some());
            let frames = FrameRange { first: next, count: to - from + u64::from(!exists) };
            next = frames.end();
            TableRun { first: from, frames }
        };
        let [l4, l3, l2, l1] = Level::FROM_TOP.map(&mut run);
        Self { l4, l3, l2, l1 }
    }

    /// Returns the tables of one level.
    pub fn run(&self, level: Level) -> &TableRun {
        match level {
            Level::L4 => &self.l4,
            Level::L3 => &self.l3,
            Level::L2 => &self.l2,
            Level::L1 => &self.l1,
        }
    }

    /// Returns the number of tables of all levels.
    pub fn count(&self) -> u64 {
        Level::FROM_TOP.iter().map(|level| self.run(*level).frames.count).sum()
    }
}

/// Virtual pages that map consecutive frames in order.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Mapping {
    /// The first virtual page.
    pub first: Vpn,
    /// The frames, one for each page.
    pub frames: FrameRange,
    /// The tables that exist because of this mapping.
    pub tables: Tables,
}

impl Mapping {
    /// Returns what an entry of a table of `level` refers to, or `None` if not to this mapping.
    ///
    /// `child` numbers the entries of all tables of the level through: it is the page's number
    /// for the lowest level and the number of the table below for the others.
    pub fn child(&self, level: Level, child: u64) -> Option<Gfn> {
        match level {
            Level::L4 => self.tables.l3.frame_of(child),
            Level::L3 => self.tables.l2.frame_of(child),
            Level::L2 => self.tables.l1.frame_of(child),
            Level::L1 => TableRun { first: self.first.0, frames: self.frames }.frame_of(child),
        }
    }
}
