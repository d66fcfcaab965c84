//! Builds the hypervisor's page tables and proves that nothing in them is writable and executable.

use super::{DIRECT_MAP, IMAGE_BASE, Memory};
use crate::cpu::features;
use xenolith_core::address::{Hpa, PAGE_SIZE, to_u64};
use xenolith_core::memory_map::{Range, RangeSet};
use xenolith_core::page_map::{Format, MapError, PageMap};

/// Present.
const PRESENT: u64 = 1;
/// Writable.
const WRITABLE: u64 = 1 << 1;
/// Not cached.
const UNCACHED: u64 = 1 << 4 | 1 << 3;
/// Not executable.
const NO_EXECUTE: u64 = 1 << 63;

/// How a range may be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Protection {
    /// Read and execute.
    Text,
    /// Read.
    Constants,
    /// Read and write.
    Data,
    /// Read and write, past the caches.
    Device,
}

impl Protection {
    const fn flags(self) -> u64 {
        match self {
            Self::Text => PRESENT,
            Self::Constants => PRESENT | NO_EXECUTE,
            Self::Data => PRESENT | WRITABLE | NO_EXECUTE,
            Self::Device => PRESENT | WRITABLE | NO_EXECUTE | UNCACHED,
        }
    }
}

unsafe extern "C" {
    static image_start: u8;
    static rodata_start: u8;
    static data_start: u8;
    static image_end: u8;
}

/// Returns the physical range of the hypervisor's image.
pub(crate) fn image_range() -> Range {
    Range { start: image_address(&raw const image_start), end: image_address(&raw const image_end) }
}

fn image_address(symbol: *const u8) -> Hpa {
    Hpa(to_u64(symbol.addr()) - IMAGE_BASE)
}

/// The hypervisor's address space, before it is switched to.
#[derive(Debug)]
pub(crate) struct AddressSpace {
    map: PageMap,
}

impl AddressSpace {
    /// Maps the image, and `ram` without the image at the direct map.
    ///
    /// # Errors
    ///
    /// When memory runs out, or the ranges overlap.
    pub(crate) fn new(memory: &mut Memory, ram: &RangeSet) -> Result<Self, MapError> {
        let max_leaf_level = if features::has_gigabyte_pages() { 3 } else { 2 };
        let format = Format { present: PRESENT, table: PRESENT | WRITABLE, max_leaf_level };
        let map = PageMap::new(format, memory).ok_or(MapError::OutOfMemory)?;
        let space = Self { map };
        for range in ram.iter() {
            space.map(memory, DIRECT_MAP + range.start.0, range, Protection::Data)?;
        }
        for (start, end, protection) in [
            (&raw const image_start, &raw const rodata_start, Protection::Text),
            (&raw const rodata_start, &raw const data_start, Protection::Constants),
            (&raw const data_start, &raw const image_end, Protection::Data),
        ] {
            let range = Range { start: image_address(start), end: image_address(end) };
            space.map(memory, IMAGE_BASE + range.start.0, range, protection)?;
        }
        Ok(space)
    }

    /// Maps `range` at `address`.
    ///
    /// # Errors
    ///
    /// When memory for tables runs out or something is mapped there.
    pub(crate) fn map(
        &self,
        memory: &mut Memory,
        address: u64,
        range: Range,
        protection: Protection,
    ) -> Result<(), MapError> {
        self.map.map(memory, address, range.start, range.bytes(), protection.flags())
    }

    /// Maps the page of registers around `device` at `address`.
    ///
    /// # Errors
    ///
    /// As [`Self::map`].
    pub(crate) fn map_device(
        &self,
        memory: &mut Memory,
        address: u64,
        device: Hpa,
    ) -> Result<(), MapError> {
        let page = Range::sized(device.page_base(), PAGE_SIZE);
        self.map(memory, address, page, Protection::Device)
    }

    /// Returns the address of the top-level table.
    pub(crate) fn root(&self) -> Hpa {
        self.map.root()
    }

    /// Returns the number of mapped bytes.
    ///
    /// # Panics
    ///
    /// When a page is writable and executable.
    pub(crate) fn check(&self, memory: &Memory) -> u64 {
        let mut bytes = 0;
        self.map.for_each_leaf(memory, &mut |address, entry, level| {
            let writable = entry & WRITABLE != 0;
            let executable = entry & NO_EXECUTE == 0;
            assert!(!(writable && executable), "{address:#x} is writable and executable");
            bytes += PAGE_SIZE << (9 * (level - 1));
        });
        bytes
    }
}
