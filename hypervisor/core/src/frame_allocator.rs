//! Hands out host-physical memory at boot; nothing is ever given back.
//!
//! Page tables, stacks and domains' memory are all taken from one [`FrameAllocator`] while the
//! machine comes up. It allocates from the top, so that what loaders like to use stays free longest.

use crate::address::{Hpa, PAGE_SIZE};
use crate::memory_map::{Range, RangeSet, TooManyRegions};

/// The memory that is still free.
#[derive(Clone, Debug)]
pub struct FrameAllocator {
    free: RangeSet,
}

impl FrameAllocator {
    /// Starts with `usable` memory, except the first page: physical address 0 stays unused.
    ///
    /// # Errors
    ///
    /// When the memory is too fragmented to describe.
    pub fn new(mut usable: RangeSet) -> Result<Self, TooManyRegions> {
        usable.remove(Range::sized(Hpa(0), PAGE_SIZE))?;
        Ok(Self { free: usable })
    }

    /// Marks `range` as taken, for instance by the hypervisor's image or a module.
    ///
    /// # Errors
    ///
    /// When the memory is too fragmented to describe.
    pub fn reserve(&mut self, range: Range) -> Result<(), TooManyRegions> {
        self.free.remove(range.page_outer())
    }

    /// Takes everything from `bound` on out, for [`Self::release`] to give back.
    ///
    /// # Errors
    ///
    /// When the memory is too fragmented to describe.
    pub fn withhold_from(&mut self, bound: Hpa) -> Result<RangeSet, TooManyRegions> {
        let mut above = self.free.clone();
        above.remove(Range { start: Hpa(0), end: bound })?;
        self.free.remove(Range { start: bound, end: Hpa(u64::MAX) })?;
        Ok(above)
    }

    /// Adds what [`Self::withhold_from`] took out.
    ///
    /// # Errors
    ///
    /// When the memory is too fragmented to describe.
    pub fn release(&mut self, withheld: &RangeSet) -> Result<(), TooManyRegions> {
        withheld.iter().try_for_each(|range| self.free.insert(range))
    }

    /// Returns the number of free bytes.
    pub fn free_bytes(&self) -> u64 {
        self.free.bytes()
    }

    /// Takes `bytes` contiguous bytes (a multiple of the page size), aligned to `alignment`
    /// (a power of two, at least a page), or returns `None`.
    pub fn allocate(&mut self, bytes: u64, alignment: u64) -> Option<Hpa> {
        let start = self.free.iter().rev().find_map(|r| highest_fit(r, bytes, alignment))?;
        self.free.remove(Range::sized(start, bytes)).ok()?;
        Some(start)
    }

    /// Takes up to `bytes` contiguous bytes aligned to `alignment`: as much as the range with the
    /// most room holds, in multiples of `alignment`.
    pub fn allocate_up_to(&mut self, bytes: u64, alignment: u64) -> Option<Range> {
        let room = |r: &Range| aligned_inner(*r, alignment).bytes();
        let largest = self.free.iter().max_by_key(room).map(|r| room(&r))?;
        let bytes = bytes.min(largest);
        if bytes == 0 {
            return None;
        }
        self.allocate(bytes, alignment).map(|start| Range::sized(start, bytes))
    }
}

fn aligned_inner(range: Range, alignment: u64) -> Range {
    let end = range.end.0 & !(alignment - 1);
    let start = range.start.0.checked_next_multiple_of(alignment).unwrap_or(end);
    Range { start: Hpa(start.min(end)), end: Hpa(end) }
}

fn highest_fit(range: Range, bytes: u64, alignment: u64) -> Option<Hpa> {
    let start = range.end.0.checked_sub(bytes)? & !(alignment - 1);
    (start >= range.start.0).then_some(Hpa(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn allocator(ranges: &[(u64, u64)]) -> FrameAllocator {
        let mut set = RangeSet::default();
        for &(start, end) in ranges {
            set.insert(Range { start: Hpa(start), end: Hpa(end) }).unwrap();
        }
        FrameAllocator::new(set).unwrap()
    }

    #[test]
    fn allocations_are_aligned_and_disjoint_until_memory_ends() {
        let mut frames = allocator(&[(0, 0x9_f000), (MIB, 8 * MIB)]);
        let mut taken: Vec<Range> = Vec::new();
        while let Some(start) = frames.allocate(0x3_0000, 0x4_0000) {
            assert!(start.is_aligned(0x4_0000));
            let range = Range::sized(start, 0x3_0000);
            assert!(taken.iter().all(|t| !t.overlaps(&range)));
            assert!(start.0 >= PAGE_SIZE && range.end.0 <= 8 * MIB);
            taken.push(range);
        }
        assert!(taken.len() > 24);
        assert!(frames.allocate(PAGE_SIZE, PAGE_SIZE).is_some(), "the gaps are still free");
    }

    #[test]
    fn reserved_memory_is_not_handed_out() {
        let mut frames = allocator(&[(MIB, 2 * MIB)]);
        frames.reserve(Range { start: Hpa(MIB + 1), end: Hpa(2 * MIB) }).unwrap();
        assert_eq!(frames.allocate(PAGE_SIZE, PAGE_SIZE), None);
    }

    #[test]
    fn withheld_memory_is_not_handed_out_until_it_is_released() {
        let mut frames = allocator(&[(MIB, 4 * MIB), (8 * MIB, 9 * MIB)]);
        let withheld = frames.withhold_from(Hpa(3 * MIB)).unwrap();
        assert_eq!(frames.free_bytes(), 2 * MIB);
        assert_eq!(frames.allocate(PAGE_SIZE, PAGE_SIZE), Some(Hpa(3 * MIB - PAGE_SIZE)));
        frames.release(&withheld).unwrap();
        assert_eq!(frames.allocate(PAGE_SIZE, PAGE_SIZE), Some(Hpa(9 * MIB - PAGE_SIZE)));
        assert_eq!(frames.free_bytes(), 4 * MIB - 2 * PAGE_SIZE);
    }

    #[test]
    fn memory_at_the_end_of_the_space_does_not_overflow() {
        let mut frames = allocator(&[(MIB, 2 * MIB), (u64::MAX - MIB + 1, u64::MAX - 0xfff)]);
        assert_eq!(frames.allocate_up_to(2 * MIB, 2 * MIB), None);
        assert_eq!(frames.allocate(2 * MIB, PAGE_SIZE), None);
        let last = Hpa(u64::MAX - 0x1fff);
        assert_eq!(frames.allocate(PAGE_SIZE, PAGE_SIZE), Some(last));
    }

    #[test]
    fn reserving_part_of_a_page_takes_all_of_it() {
        let mut frames = allocator(&[(MIB, MIB + 3 * PAGE_SIZE)]);
        let start = Hpa(MIB + PAGE_SIZE);
        frames.reserve(Range::sized(Hpa(start.0 + 5), 1)).unwrap();
        assert_eq!(frames.free_bytes(), 2 * PAGE_SIZE);
        assert_eq!(frames.allocate(2 * PAGE_SIZE, PAGE_SIZE), None, "they are apart");
        assert_eq!(frames.allocate(PAGE_SIZE, PAGE_SIZE), Some(Hpa(MIB + 2 * PAGE_SIZE)));
        assert_eq!(frames.allocate(PAGE_SIZE, PAGE_SIZE), Some(Hpa(MIB)));
        assert_eq!(frames.allocate(PAGE_SIZE, PAGE_SIZE), None);
    }

    #[test]
    fn the_first_page_is_never_handed_out() {
        let mut frames = allocator(&[(0, 2 * PAGE_SIZE)]);
        assert_eq!(frames.allocate(PAGE_SIZE, PAGE_SIZE), Some(Hpa(PAGE_SIZE)));
        assert_eq!(frames.allocate(PAGE_SIZE, PAGE_SIZE), None);
    }

    #[test]
    fn a_large_request_comes_in_pieces() {
        let mut frames = allocator(&[(2 * MIB, 7 * MIB), (8 * MIB, 20 * MIB)]);
        let first = frames.allocate_up_to(16 * MIB, 2 * MIB).unwrap();
        assert_eq!((first.start, first.bytes()), (Hpa(8 * MIB), 12 * MIB));
        let second = frames.allocate_up_to(4 * MIB, 2 * MIB).unwrap();
        assert_eq!((second.start, second.bytes()), (Hpa(2 * MIB), 4 * MIB));
        assert_eq!(frames.allocate_up_to(2 * MIB, 2 * MIB), None);
        assert_eq!(frames.free_bytes(), MIB);
    }
}
