//! The hypervisor's own view of memory.
//!
//! ```text
//! 0xffff_8000_0000_0000   direct map: all RAM but the image, writable, not executable
//! 0xffff_a000_0000_0000   stacks, 1 MiB per CPU, a guard page under each stack
//! 0xffff_b000_0000_0000   devices: the local APIC's page, the I/O APIC's page
//! 0xffff_ffff_8020_0000   image: text executable, the rest not; text and constants read-only
//! ```
//! While booting, the direct map is the loader's lowest 4 GiB, writable and executable.

pub(crate) mod address_space;
pub(crate) mod stacks;

use crate::boot::BootError;
use core::ptr;
use xenolith_core::address::{Hpa, PAGE_SIZE, to_usize};
use xenolith_core::frame_allocator::FrameAllocator;
use xenolith_core::memory_map::Range;
use xenolith_core::page_map::{TableFrames, TablesReturned};

/// Where physical address 0 is mapped.
pub(crate) const DIRECT_MAP: u64 = 0xffff_8000_0000_0000;
/// Where the per-CPU windows of stacks begin.
pub(crate) const STACKS: u64 = 0xffff_a000_0000_0000;
/// Where the local APIC's registers are mapped.
pub(crate) const LOCAL_APIC: u64 = 0xffff_b000_0000_0000;
/// Where the I/O APIC's registers are mapped.
pub(crate) const IO_APIC: u64 = 0xffff_b000_0000_1000;
/// What is added to a physical address of the image to get its link address.
pub(crate) const IMAGE_BASE: u64 = 0xffff_ffff_8000_0000;

/// Returns the pointer through which the direct map reaches `at`, which the caller knows to be
/// memory, and aligned for `T`.
#[inline]
pub(crate) fn direct<T>(at: Hpa) -> *mut T {
    ptr::with_exposed_provenance_mut(to_usize(DIRECT_MAP.wrapping_add(at.0)))
}

/// Free memory and the tables made from it.
#[derive(Debug)]
pub(crate) struct Memory {
    free: FrameAllocator,
}

impl Memory {
    /// Takes charge of `free`.
    ///
    /// # Safety
    ///
    /// Everything in `free` must be RAM that nothing else uses and that the direct map covers.
    pub(crate) unsafe fn new(free: FrameAllocator) -> Self {
        Self { free }
    }

    /// Takes `bytes` zeroed, contiguous bytes aligned to `alignment`, or returns `None`.
    pub(crate) fn allocate_zeroed(&mut self, bytes: u64, alignment: u64) -> Option<Hpa> {
        let start = self.free.allocate(bytes, alignment)?;
        zero(start, bytes);
        Some(start)
    }

    /// Returns what is free.
    pub(crate) fn free(&mut self) -> &mut FrameAllocator {
        &mut self.free
    }
}

/// Fills memory that was just allocated with zeros.
pub(crate) fn zero(start: Hpa, bytes: u64) {
    let bytes = to_usize(bytes);
    // SAFETY: callers pass what the allocator gave them: RAM that nothing else refers to.
    unsafe { ptr::write_bytes(direct::<u8>(start), 0, bytes) };
}

impl TableFrames for Memory {
    fn allocate_table(&mut self) -> Option<Hpa> {
        self.allocate_zeroed(PAGE_SIZE, PAGE_SIZE)
    }

    fn entry(&self, table: Hpa, index: usize) -> u64 {
        table_entry(table, index)
    }

    fn set_entry(&mut self, table: Hpa, index: usize, value: u64) {
        set_table_entry(table, index, value);
    }
}

/// Tables set aside for a domain's memory, enough to split every large page that maps it.
#[derive(Debug)]
pub(crate) struct TablePool {
    free: Range,
    /// The last table that was given back. Its first entry is the address of the one before, or 0.
    returned: Option<Hpa>,
}

impl TablePool {
    /// Sets tables aside for `pages` pages: one for each 2 MiB, and one for each 1 GiB.
    ///
    /// # Errors
    ///
    /// When the machine has not that much memory.
    pub(crate) fn new(memory: &mut Memory, pages: u64) -> Result<Self, BootError> {
        let bytes = (pages.div_ceil(512) + pages.div_ceil(512 * 512)) * PAGE_SIZE;
        let start = memory.free.allocate(bytes, PAGE_SIZE).ok_or(BootError::OutOfMemory)?;
        Ok(Self { free: Range::sized(start, bytes), returned: None })
    }

    /// Takes a table, whatever is in it.
    fn take(&mut self) -> Option<Hpa> {
        if let Some(table) = self.returned {
            let before = table_entry(table, 0);
            self.returned = (before != 0).then_some(Hpa(before));
            return Some(table);
        }
        let table = self.free.start;
        if self.free.bytes() == 0 {
            return None;
        }
        self.free.start = Hpa(table.0 + PAGE_SIZE);
        Some(table)
    }
}

impl TableFrames for TablePool {
    fn allocate_table(&mut self) -> Option<Hpa> {
        let table = self.take()?;
        zero(table, PAGE_SIZE);
        Some(table)
    }

    fn allocate_filled(&mut self, first: u64, step: u64) -> Option<Hpa> {
        let table = self.take()?;
        let entries = direct::<[u64; 512]>(table);
        let mut entry = first;
        // SAFETY: nothing refers to a table of the pool, and nothing leads to it yet.
        for slot in unsafe { &mut *entries } {
            *slot = entry;
            entry = entry.wrapping_add(step);
        }
        Some(table)
    }

    fn entry(&self, table: Hpa, index: usize) -> u64 {
        table_entry(table, index)
    }

    fn set_entry(&mut self, table: Hpa, index: usize, value: u64) {
        set_table_entry(table, index, value);
    }
}

impl TablesReturned for TablePool {
    fn return_table(&mut self, table: Hpa) {
        set_table_entry(table, 0, self.returned.map_or(0, |before| before.0));
        self.returned = Some(table);
    }
}

fn table_entry(table: Hpa, index: usize) -> u64 {
    // SAFETY: `PageMap` passes tables that it got from `allocate_table`, and indices below 512.
    let entry = unsafe { direct::<u64>(table).add(index) };
    // SAFETY: as above; the CPU may set accessed and dirty bits at any time, hence volatile.
    unsafe { entry.read_volatile() }
}

fn set_table_entry(table: Hpa, index: usize, value: u64) {
    // SAFETY: as in `table_entry`.
    let entry = unsafe { direct::<u64>(table).add(index) };
    // SAFETY: as in `table_entry`.
    unsafe { entry.write_volatile(value) };
}
