//! What a process has where: ranges of pages, what may be done there, and what fills them.
//!
//! A region says what may be, not what is: pages take memory when they are used.

use alloc::vec::Vec;
use core::ops::Range;

use xenolith_system_calls::{USER_END, USER_START};

/// Bytes of a page.
pub const PAGE: u64 = 4096;

/// The most regions of a process.
pub const REGIONS: usize = 64;

/// What a process may do with a page, besides reading it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Access {
    /// Nothing.
    Read,
    /// Write it.
    Write,
    /// Execute it.
    Execute,
}

/// What a page holds at first.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Backing {
    /// Zeros.
    Zero,
    /// Zeros; it is the stack.
    Stack,
    /// What the program's file says: a segment of it, by its number.
    Segment(usize),
}

/// One range of pages.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Region {
    /// Whole pages.
    pub pages: Range<u64>,
    /// What may be done there.
    pub access: Access,
    /// What is there at first.
    pub backing: Backing,
}

/// Why a region cannot be had.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RegionError {
    /// It is not whole pages of a process's addresses, or has none.
    Outside,
    /// Something is there.
    Taken,
    /// There are [`REGIONS`] already.
    TooMany,
}

/// All regions of a process, by address.
#[derive(Debug, Default)]
pub struct Regions(Vec<Region>);

impl Regions {
    /// Returns no regions.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Returns all regions.
    pub fn iter(&self) -> impl Iterator<Item = &Region> {
        self.0.iter()
    }

    /// Returns the region that an address is in.
    pub fn find(&self, address: u64) -> Option<&Region> {
        let behind = self.0.partition_point(|region| region.pages.end <= address);
        self.0.get(behind).filter(|region| region.pages.contains(&address))
    }

    /// Adds a region.
    ///
    /// # Errors
    ///
    /// If it cannot be one, another is there, or there are too many.
    pub fn insert(&mut self, region: Region) -> Result<(), RegionError> {
        check(&region.pages)?;
        let at = self.0.partition_point(|other| other.pages.end <= region.pages.start);
        if self.0.get(at).is_some_and(|next| next.pages.start < region.pages.end) {
            return Err(RegionError::Taken);
        }
        if self.0.len() == REGIONS {
            return Err(RegionError::TooMany);
        }
        self.0.insert(at, region);
        Ok(())
    }

    /// Returns the lowest place in `within` for so many bytes, which are whole pages.
    pub fn room(&self, bytes: u64, within: Range<u64>) -> Option<u64> {
        let mut start = within.start;
        for region in self.iter().filter(|region| region.pages.end > within.start) {
            if region.pages.start.checked_sub(start).is_some_and(|room| room >= bytes) {
                break;
            }
            start = start.max(region.pages.end);
        }
        let end = start.checked_add(bytes)?;
        (end <= within.end).then_some(start)
    }

    /// Takes away what is in a range of pages: regions are cut, and cut in two.
    ///
    /// # Errors
    ///
    /// If it is not a range that a region may have, or cutting one in two makes too many; then
    /// nothing has changed.
    pub fn remove(&mut self, pages: &Range<u64>) -> Result<(), RegionError> {
        check(pages)?;
        let is_cut_in_two = |it: &&Region| it.pages.start < pages.start && pages.end < it.pages.end;
        if self.0.len() == REGIONS && self.0.iter().any(|it| is_cut_in_two(&it)) {
            return Err(RegionError::TooMany);
        }
        let first = self.0.partition_point(|region| region.pages.end <= pages.start);
        let behind = self.0.partition_point(|region| region.pages.start < pages.end);
        let parts: Vec<_> = self.0[first..behind].iter().flat_map(|it| rest(it, pages)).collect();
        self.0.splice(first..behind, parts);
        Ok(())
    }
}

/// Returns what is left of a region without `pages`.
fn rest(region: &Region, pages: &Range<u64>) -> impl Iterator<Item = Region> + use<> {
    let low = region.pages.start..region.pages.end.min(pages.start);
    let high = region.pages.start.max(pages.end)..region.pages.end;
    let (access, backing) = (region.access, region.backing);
    let parts = [low, high].into_iter().filter(|part| !part.is_empty());
    parts.map(move |pages| Region { pages, access, backing })
}

/// Checks that a range is whole pages of a process, and not empty.
fn check(pages: &Range<u64>) -> Result<(), RegionError> {
    let is_whole = pages.start.is_multiple_of(PAGE) && pages.end.is_multiple_of(PAGE);
    let is_users = pages.start >= USER_START && pages.end <= USER_END;
    if is_whole && is_users && !pages.is_empty() { Ok(()) } else { Err(RegionError::Outside) }
}

#[cfg(test)]
mod tests;
