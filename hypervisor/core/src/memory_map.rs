//! The machine's memory as firmware reports it, brought into order.
//!
//! Loaders pass regions unsorted, overlapping and off page boundaries. What comes out of
//! [`MemoryMap::usable`] is sorted, disjoint, page-aligned RAM that no other region claims.

use crate::address::{Hpa, PAGE_SIZE};
use arrayvec::ArrayVec;
use core::fmt;

/// Regions that a memory map can hold.
pub const MAX_REGIONS: usize = 128;

/// What firmware says a region is for (ACPI, "Address Range Types").
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RegionKind {
    /// Free for the operating system.
    Ram,
    /// Holds ACPI tables; free once they have been read.
    AcpiReclaimable,
    /// Must be preserved for firmware.
    AcpiNvs,
    /// Not to be used.
    Reserved,
    /// RAM with errors.
    Bad,
}

impl RegionKind {
    /// Returns the kind that an E820 or multiboot2 type number stands for.
    pub const fn from_e820(number: u32) -> Self {
        match number {
            1 => Self::Ram,
            3 => Self::AcpiReclaimable,
            4 => Self::AcpiNvs,
            5 => Self::Bad,
            _ => Self::Reserved,
        }
    }
}

/// A half-open range of host-physical bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Range {
    /// First byte.
    pub start: Hpa,
    /// First byte behind the range.
    pub end: Hpa,
}

impl Range {
    /// Returns the range from `start` of `bytes` bytes, cut off at the end of the space.
    pub const fn sized(start: Hpa, bytes: u64) -> Self {
        Self { start, end: Hpa(start.0.saturating_add(bytes)) }
    }

    /// Returns the length in bytes.
    pub const fn bytes(&self) -> u64 {
        self.end.0.saturating_sub(self.start.0)
    }

    /// Returns whether the two share a byte.
    pub const fn overlaps(&self, other: &Self) -> bool {
        self.start.0 < other.end.0 && other.start.0 < self.end.0
    }

    /// Returns the smallest range of whole pages around this one.
    pub const fn page_outer(self) -> Self {
        let end = self.end.0.checked_next_multiple_of(PAGE_SIZE);
        Self {
            start: self.start.page_base(),
            end: Hpa(match end {
                Some(end) => end,
                None => !(PAGE_SIZE - 1),
            }),
        }
    }

    /// Returns the whole pages inside this range; it may be empty.
    pub const fn page_inner(self) -> Self {
        match self.start.0.checked_next_multiple_of(PAGE_SIZE) {
            Some(start) => Self { start: Hpa(start), end: self.end.page_base() },
            None => Self { start: self.end, end: self.end },
        }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#012x}..{:#012x}", self.start.0, self.end.0)
    }
}

/// A range and what it is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Region {
    /// Where it lies.
    pub range: Range,
    /// What it is.
    pub kind: RegionKind,
}

/// The regions as reported.
#[derive(Clone, Debug, Default)]
pub struct MemoryMap {
    regions: ArrayVec<Region, MAX_REGIONS>,
}

/// The loader reported more regions than [`MAX_REGIONS`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TooManyRegions;

impl MemoryMap {
    /// Adds a region as reported; empty ones are dropped.
    ///
    /// # Errors
    ///
    /// When the map is full.
    pub fn add(&mut self, region: Region) -> Result<(), TooManyRegions> {
        if region.range.bytes() == 0 {
            return Ok(());
        }
        self.regions.try_push(region).map_err(|_| TooManyRegions)
    }

    /// Returns the regions in the order in which they were reported.
    pub fn regions(&self) -> &[Region] {
        &self.regions
    }

    /// Returns the pages of RAM that no other kind of region claims, sorted and disjoint.
    ///
    /// # Errors
    ///
    /// When cutting overlaps leaves more ranges than [`MAX_REGIONS`].
    pub fn usable(&self) -> Result<RangeSet, TooManyRegions> {
        let mut set = RangeSet::default();
        for region in self.regions.iter().filter(|r| r.kind == RegionKind::Ram) {
            set.insert(region.range.page_inner())?;
        }
        for region in self.regions.iter().filter(|r| r.kind != RegionKind::Ram) {
            set.remove(region.range.page_outer())?;
        }
        Ok(set)
    }
}

/// A sorted set of disjoint, non-empty, non-adjacent ranges.
#[derive(Clone, Debug, Default)]
pub struct RangeSet {
    ranges: ArrayVec<Range, MAX_REGIONS>,
}

impl RangeSet {
    /// Adds `range`, merging it with its neighbours.
    ///
    /// # Errors
    ///
    /// When the set is full.
    pub fn insert(&mut self, range: Range) -> Result<(), TooManyRegions> {
        if range.bytes() == 0 {
            return Ok(());
        }
        let mut merged = range;
        self.ranges.retain(|r| {
            let touches = r.start <= merged.end && merged.start <= r.end;
            if touches {
                merged.start = merged.start.min(r.start);
                merged.end = merged.end.max(r.end);
            }
            !touches
        });
        let at = self.ranges.partition_point(|r| r.start < merged.start);
        self.ranges.try_insert(at, merged).map_err(|_| TooManyRegions)
    }

    /// Takes every byte of `hole` out of the set.
    ///
    /// # Errors
    ///
    /// When splitting a range needs one more place than the set has.
    pub fn remove(&mut self, hole: Range) -> Result<(), TooManyRegions> {
        if hole.bytes() == 0 {
            return Ok(());
        }
        while let Some(at) = self.ranges.iter().position(|r| r.overlaps(&hole)) {
            let old = self.ranges.remove(at);
            for rest in [
                Range { start: old.start, end: hole.start },
                Range { start: hole.end, end: old.end },
            ] {
                if rest.start < rest.end {
                    self.insert(rest)?;
                }
            }
        }
        Ok(())
    }

    /// Returns the ranges in ascending order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Range> + '_ {
        self.ranges.iter().copied()
    }

    /// Returns the number of bytes in the set.
    pub fn bytes(&self) -> u64 {
        self.ranges.iter().map(Range::bytes).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn region(start: u64, end: u64, kind: RegionKind) -> Region {
        Region { range: Range { start: Hpa(start), end: Hpa(end) }, kind }
    }

    #[test]
    fn reserved_pages_are_cut_out_of_ram() {
        let mut map = MemoryMap::default();
        for r in [
            region(0x10_0000, 0x50_0000, RegionKind::Ram),
            region(0, 0x9_fc00, RegionKind::Ram),
            region(0x20_0001, 0x20_0002, RegionKind::Reserved),
            region(0x4f_f000, 0x60_0000, RegionKind::AcpiReclaimable),
        ] {
            map.add(r).unwrap();
        }
        let usable: Vec<_> = map.usable().unwrap().iter().map(|r| (r.start.0, r.end.0)).collect();
        assert_eq!(usable, [(0, 0x9_f000), (0x10_0000, 0x20_0000), (0x20_1000, 0x4f_f000)]);
    }

    #[test]
    fn ranges_at_the_end_of_the_space_do_not_wrap() {
        let range = Range::sized(Hpa(u64::MAX - 10), 100);
        assert_eq!(range.end, Hpa(u64::MAX));
        assert_eq!(range.page_inner().bytes(), 0);
        assert_eq!(range.page_outer().start, Hpa(!0xfff));
    }

    proptest! {
        /// The set agrees with a bitmap over 64 pages, whatever is inserted and removed.
        #[test]
        fn set_agrees_with_a_bitmap(ops in proptest::collection::vec((any::<bool>(), 0u64..64, 0u64..64), 0..40)) {
            let mut set = RangeSet::default();
            let mut model = [false; 64];
            for (insert, a, b) in ops {
                let (from, to) = (a.min(b), a.max(b));
                let range = Range { start: Hpa(from * PAGE_SIZE), end: Hpa(to * PAGE_SIZE) };
                if insert { set.insert(range) } else { set.remove(range) }.unwrap();
                for page in from..to {
                    model[usize::try_from(page).unwrap()] = insert;
                }
            }
            let mut seen = [false; 64];
            let mut last_end = None;
            for range in set.iter() {
                prop_assert!(range.start < range.end);
                prop_assert!(last_end.is_none_or(|end| end < range.start));
                last_end = Some(range.end);
                for page in range.start.0 / PAGE_SIZE..range.end.0 / PAGE_SIZE {
                    seen[usize::try_from(page).unwrap()] = true;
                }
            }
            prop_assert_eq!(seen, model);
        }
    }
}
