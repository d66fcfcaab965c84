//! Hands out a domain's frames from the bottom up.

use super::frame_range::FrameRange;
use super::layout_error::{LayoutError, Part};
use crate::address::Gfn;

/// The most pages a domain can have: 52-bit addresses.
pub(super) const MAX_MEMORY_PAGES: u64 = 1 << 40;

/// A domain's frames, those below `next` in use.
#[derive(Debug)]
pub(super) struct Reservation {
    next: u64,
    memory_pages: u64,
}

impl Reservation {
    /// Starts with all of a domain's frames free.
    ///
    /// # Errors
    /// If a domain cannot have so many.
    pub(super) fn of(memory_pages: u64) -> Result<Self, LayoutError> {
        if memory_pages > MAX_MEMORY_PAGES {
            return Err(LayoutError::TooMuchMemory { memory_pages });
        }
        Ok(Self { next: 0, memory_pages })
    }

    /// Returns the number of all of the domain's frames.
    pub(super) fn pages(&self) -> u64 {
        self.memory_pages
    }

    /// Returns the first free frame.
    pub(super) fn next(&self) -> Gfn {
        Gfn(self.next)
    }

    /// Checks that a part of the domain that ends before frame `end` fits.
    ///
    /// # Errors
    /// If the domain has not so many frames.
    pub(super) fn check_end(&self, end: u64, part: Part) -> Result<(), LayoutError> {
        let memory_pages = self.memory_pages;
        if end > memory_pages {
            return Err(LayoutError::NoRoom { part, needed_pages: end, memory_pages });
        }
        Ok(())
    }

    /// Takes the next `count` frames, which may be none.
    ///
    /// # Errors
    /// If there are not so many.
    pub(super) fn take(&mut self, count: u64, part: Part) -> Result<FrameRange, LayoutError> {
        let first = self.next();
        let end = self.next.saturating_add(count);
        self.check_end(end, part)?;
        self.next = end;
        Ok(FrameRange { first, count })
    }

    /// Takes everything up to frame `end`, which is not below the first free one.
    ///
    /// # Errors
    /// If the domain ends before it.
    pub(super) fn take_up_to(&mut self, end: Gfn, part: Part) -> Result<FrameRange, LayoutError> {
        self.take(end.0.saturating_sub(self.next), part)
    }
}
