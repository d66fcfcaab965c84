//! What is where: pages of the window, entries of the tables, and the addresses that lead there.
//!
//! ```text
//! level 3, 0   level 2   0   the table of level 1, below
//!                        1   2 MiB of the kernel's memory, those around the data pages
//!                        2   nothing
//!                        3   as a table: above all memory     4   a frame given back
//!                        5   a frame that is read-only        6   the table again, not writable
//!                        7   2 MiB with a reserved bit set    8   the table, but not present
//!          1   nothing
//!          2   as a table: a frame given back
//! ```

/// Pages of the window.
pub(crate) const LEVEL_3: usize = 0;
pub(crate) const LEVEL_2: usize = 1;
pub(crate) const LEVEL_1: usize = 2;
pub(crate) const SPARE_TABLE: usize = 3;
pub(crate) const DATA: usize = 4;
pub(crate) const DATA_PAGES: usize = 8;
pub(crate) const WRAPPER: usize = 12;
pub(crate) const SHARED: usize = 14;

/// Words of a page.
pub(crate) const WORDS: u64 = 512;
pub(crate) const TABLE_WORDS: usize = 512;

/// Data pages, by what is kept in them.
pub(crate) const LIST: usize = 0;
pub(crate) const NEXT: usize = 1;
pub(crate) const COUNT: usize = 2;
pub(crate) const READ_ONLY: usize = 3;
pub(crate) const VICTIM: usize = 4;
pub(crate) const OTHER_VICTIM: usize = 5;
pub(crate) const USER: usize = 6;
pub(crate) const SCRATCH: usize = 7;

/// Slots of the top-level table, one in each half, that lead to the tables.
pub(crate) const TABLE_SLOTS: [u64; 2] = [100, 300];
/// Where these slots begin.
pub(crate) const BASES: [u64; 2] = [100 << 39, 300 << 39 | 0xffff << 48];

/// Last-level entries.
pub(crate) const AT_LIST: u64 = 0;
pub(crate) const AT_COUNT: u64 = 2;
pub(crate) const AT_NOTHING: u64 = 3;
pub(crate) const AT_READ_ONLY: u64 = 4;
pub(crate) const AT_GONE: u64 = 5;
pub(crate) const AT_HOLE: u64 = 6;
pub(crate) const AT_BEYOND: u64 = 7;
pub(crate) const AT_VICTIM: u64 = 8;
pub(crate) const AT_OTHER_VICTIM: u64 = 9;
pub(crate) const AT_USER: u64 = 10;
/// The list again, in front of nothing, of what is read-only, and of what was given back.
pub(crate) const AT_LIST_NOTHING: u64 = 12;
pub(crate) const AT_LIST_READ_ONLY: u64 = 14;
pub(crate) const AT_LIST_GONE: u64 = 16;

/// Above all memory, within what the processor can address and not.
pub(crate) const BEYOND: u64 = 1 << 38;
pub(crate) const FAR_BEYOND: u64 = 1 << 45;

/// Addresses that cannot be a guest's.
pub(crate) const UNREACHABLE: [u64; 4] =
    [0xffff_8000_0000_0000, 0xffff_87ff_ffff_fff8, 1 << 47, 0x5eed_0000_0000_0000];

const READ: u64 = 1;
const READ_WRITE: u64 = 3;
const ANYBODY: u64 = 7;
const LARGE: u64 = 1 << 7;

/// Guest-physical addresses of what the tables and requests name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frames {
    pub(crate) data: [u64; DATA_PAGES],
    /// The table of level 1.
    pub(crate) table: u64,
    /// A top-level table that the kernel can run on, and the one that it does run on.
    pub(crate) spare: u64,
    pub(crate) root: u64,
    /// A frame given back.
    pub(crate) gone: u64,
    /// A frame of the hypervisor's that can be read.
    pub(crate) read_only: u64,
    /// A word of the shared page.
    pub(crate) shared: u64,
}

impl Frames {
    pub(crate) fn level_3(&self, directories: u64) -> [u64; TABLE_WORDS] {
        table(&[directories, 0, self.gone | ANYBODY])
    }

    pub(crate) fn level_2(&self, tables: u64) -> [u64; TABLE_WORDS] {
        let large = self.data[LIST] >> 21 << 21 | LARGE | READ_WRITE;
        table(&[
            tables,
            large,
            0,
            BEYOND | ANYBODY,
            self.gone | ANYBODY,
            self.read_only | ANYBODY,
            tables & !2,
            large | 1 << 13,
            tables & !1,
        ])
    }

    pub(crate) fn level_1(&self) -> [u64; TABLE_WORDS] {
        let data = self.data;
        table(&[
            data[LIST] | READ_WRITE,
            data[NEXT] | READ_WRITE,
            data[COUNT] | READ_WRITE,
            0,
            data[READ_ONLY] | READ,
            self.gone | READ_WRITE,
            self.read_only | READ_WRITE,
            BEYOND | READ_WRITE,
            data[VICTIM] | READ_WRITE,
            data[OTHER_VICTIM] | READ_WRITE,
            data[USER] | ANYBODY,
            FAR_BEYOND | READ_WRITE,
            data[LIST] | READ_WRITE,
            0,
            data[LIST] | READ_WRITE,
            data[READ_ONLY] | READ,
            data[LIST] | READ_WRITE,
            self.gone | READ_WRITE,
        ])
    }

    /// Returns the frames whose machine-to-physical entries may change.
    pub(crate) fn described(&self) -> [u64; DATA_PAGES + 1] {
        core::array::from_fn(|at| self.data.get(at).copied().unwrap_or(self.table))
    }

    /// Returns where the last-level entry of a page is.
    pub(crate) fn slot(&self, index: u64) -> u64 {
        self.table + 8 * index
    }
}

fn table(entries: &[u64]) -> [u64; TABLE_WORDS] {
    core::array::from_fn(|index| entries.get(index).copied().unwrap_or(0))
}

/// Returns whether a last-level entry is that of a page whose mapping changes.
pub(crate) const fn is_victim(index: u64) -> bool {
    index == AT_VICTIM || index == AT_OTHER_VICTIM
}

/// Returns the address of a byte by the last-level entry of its page.
pub(crate) const fn at(index: u64, offset: u64) -> u64 {
    BASES[0] + index * 4096 + offset
}

/// Returns an address by the entries of levels 3 and 2, and what is left.
pub(crate) const fn below(level_3: u64, level_2: u64, rest: u64) -> u64 {
    BASES[0] + (level_3 << 30) + (level_2 << 21) + rest
}

/// Returns what a data page holds before a call: no request that would do anything.
pub(crate) const fn pattern(page: u64, word: u64) -> u64 {
    match word {
        // Bitmaps of vCPUs.
        8 if page == COUNT as u64 => return 0,
        9 if page == COUNT as u64 => return 1,
        10 if page == COUNT as u64 => return 2,
        11 if page == COUNT as u64 => return u64::MAX,
        _ => {}
    }
    1 << 62 | page << 32 | word << 8 | 0x77
}
