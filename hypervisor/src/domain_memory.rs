//! The memory of a domain: host memory in pieces, and the EPT that maps it.

mod access;
mod pieces;

use self::pieces::{Piece, Pieces};
use crate::boot::BootError;
use crate::memory::{Memory, TablePool, direct, zero};
use core::ptr;
use xenolith_core::address::{Gfn, Gpa, Hpa, PAGE_SIZE, to_u64, to_usize};
use xenolith_core::domain_builder::guest_frames::GuestFrames;
use xenolith_core::ept;
use xenolith_core::frame_set::FrameSet;
use xenolith_core::hole::{Hole, HoleAccess, HoleRange};
use xenolith_core::page_map::{LARGE_PAGES, PageMap};

/// Alignment of pieces, so that EPT can use large pages.
const LARGE_PAGE: u64 = 2 << 20;
/// From this size on a piece is aligned for 1 GiB pages.
const HUGE_PAGE: u64 = 1 << 30;

/// Allocates what a [`FrameSet`] needs.
fn frame_words(memory: &mut Memory, frames: u64) -> Result<&'static mut [u64], BootError> {
    let words = FrameSet::words(frames);
    let bytes = (words * 8).next_multiple_of(PAGE_SIZE);
    let place = memory.allocate_zeroed(bytes, PAGE_SIZE).ok_or(BootError::OutOfMemory)?;
    // SAFETY: nothing else refers to the memory, which holds as many zeros, and it is never given
    // back.
    Ok(unsafe { core::slice::from_raw_parts_mut(direct(place), to_usize(words)) })
}

/// Returns the rights of an EPT entry for memory of the hole.
const fn rights(access: HoleAccess) -> u64 {
    match access {
        HoleAccess::Read => ept::READ,
        HoleAccess::ReadWrite => ept::READ | ept::WRITE,
        HoleAccess::ReadExecute => ept::READ | ept::EXECUTE,
    }
}

/// All memory of a domain.
#[derive(Debug)]
pub(crate) struct DomainMemory {
    pieces: Pieces,
    ept: PageMap,
    /// The frames of the memory that the domain has; the rest of it is not mapped.
    frames: FrameSet,
    tables: TablePool,
}

impl DomainMemory {
    /// Allocates zeroed memory for `memory_pages` pages and the hole behind them.
    ///
    /// # Errors
    ///
    /// When the machine has not that much, or only in too many pieces.
    pub(crate) fn new(
        memory: &mut Memory,
        memory_pages: u64,
        hole: &Hole,
        max_leaf_level: u32,
    ) -> Result<Self, BootError> {
        let ept =
            PageMap::new(ept::format(max_leaf_level), memory).ok_or(BootError::OutOfMemory)?;
        let frames = FrameSet::new(memory_pages, frame_words(memory, memory_pages)?);
        let tables = TablePool::new(memory, memory_pages)?;
        let mut this = Self { pieces: Pieces::new(), ept, frames, tables };
        this.add_ram(memory, memory_pages * PAGE_SIZE)?;
        for range in hole.ranges() {
            let target = memory
                .free()
                .allocate(range.bytes, range.bytes.next_power_of_two().min(LARGE_PAGE))
                .ok_or(BootError::OutOfMemory)?;
            let HoleRange { start, bytes, access } = range;
            this.add(memory, Piece { start, bytes, target, rights: rights(access) })?;
        }
        Ok(this)
    }

    /// Returns the EPT pointer.
    pub(crate) fn ept_pointer(&self) -> u64 {
        ept::pointer(self.ept.root())
    }

    fn add_ram(&mut self, memory: &mut Memory, bytes: u64) -> Result<(), BootError> {
        let free = memory.free().free_bytes();
        let mut done = 0;
        while done < bytes {
            let rest = bytes - done;
            let huge = done.is_multiple_of(HUGE_PAGE) && rest >= HUGE_PAGE;
            let size = rest.next_multiple_of(LARGE_PAGE);
            let piece = huge
                .then(|| memory.free().allocate_up_to(size & !(HUGE_PAGE - 1), HUGE_PAGE))
                .flatten()
                .or_else(|| memory.free().allocate_up_to(size, LARGE_PAGE))
                .ok_or(BootError::GuestTooLarge { wanted: bytes, free })?;
            let length = piece.bytes().min(rest);
            let rights = ept::READ | ept::WRITE | ept::EXECUTE;
            let piece = Piece { start: Gpa(done), bytes: length, target: piece.start, rights };
            self.add(memory, piece)?;
            done += length;
        }
        Ok(())
    }

    fn add(&mut self, memory: &mut Memory, piece: Piece) -> Result<(), BootError> {
        zero(piece.target, piece.bytes);
        let flags = piece.rights | ept::WRITE_BACK;
        self.ept.map(memory, piece.start.0, piece.target, piece.bytes, flags)?;
        self.pieces.add(piece)
    }

    /// Returns which frames of its memory the domain has.
    pub(crate) fn frames(&mut self) -> &mut FrameSet {
        &mut self.frames
    }

    /// Takes frames out of the EPT. What the CPU has cached of it is the caller's to drop.
    pub(crate) fn unmap(&mut self, start: Gfn, count: u64) {
        if self.replace_large(start, count, 0).is_none() {
            self.replace(start, count, |_| 0);
        }
    }

    /// Puts frames of the domain's memory back into the EPT. They lie in one piece, as an aligned
    /// extent of at most 2 MiB does. Returns whether the CPU may have cached something that is no
    /// longer so, which the caller has to drop.
    #[must_use]
    pub(crate) fn map(&mut self, start: Gfn, count: u64) -> bool {
        let at = Gpa(start.0 * PAGE_SIZE);
        let whole = self.find(at, to_usize(count * PAGE_SIZE));
        let (place, piece) = whole.expect("it was part of the domain's memory");
        let first = place.0 | piece.rights | ept::WRITE_BACK;
        if let Some(had_table) = self.replace_large(start, count, first) {
            return had_table;
        }
        self.replace(start, count, |number| first + number * PAGE_SIZE);
        false
    }

    /// Replaces a large page as a whole, if the frames are one and the CPU has such.
    fn replace_large(&mut self, start: Gfn, count: u64, entry: u64) -> Option<bool> {
        if count != LARGE_PAGES {
            return None;
        }
        self.ept.replace_large(&mut self.tables, start.0 * PAGE_SIZE, entry).ok()
    }

    fn replace(&mut self, start: Gfn, count: u64, entry: impl Fn(u64) -> u64) {
        let at = start.0 * PAGE_SIZE;
        let done = self.ept.replace_pages(&mut self.tables, at, count, entry);
        done.expect("all of the memory was mapped, and there is a table for each page to split");
    }

    /// Fills a frame that is not mapped with zeros.
    pub(crate) fn scrub(&mut self, gfn: Gfn) {
        let at = Gpa(gfn.0 * PAGE_SIZE);
        let (place, _) = self.find(at, 1).expect("it was part of the domain's memory");
        zero(place, PAGE_SIZE);
    }

    /// Writes `bytes` to memory of the hole, whatever the guest may do there.
    #[inline]
    pub(crate) fn publish(&mut self, at: Gpa, bytes: &[u8]) {
        let (place, _) = self.find(at, bytes.len()).expect("the hole has it");
        // SAFETY: `place` is as many bytes of the domain's memory, which no reference points to.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), direct(place), bytes.len()) };
    }

    /// Returns where the `len` bytes at `at` are, if they lie in one piece.
    #[inline]
    fn find(&self, at: Gpa, len: usize) -> Option<(Hpa, &Piece)> {
        let (piece, offset) = self.pieces.find(at)?;
        let room = piece.bytes.wrapping_sub(offset);
        (to_u64(len) <= room).then(|| (Hpa(piece.target.0.wrapping_add(offset)), piece))
    }

    /// Calls `action` with pieces of the `bytes` bytes from `start` on: place, offset, length.
    fn in_pieces(&self, start: Gpa, bytes: u64, mut action: impl FnMut(Hpa, u64, usize)) {
        let mut done = 0;
        while done < bytes {
            let at = Gpa(start.0 + done);
            let (piece, offset) =
                self.pieces.find(at).expect("the builder stays within the domain's memory");
            let length = (bytes - done).min(piece.bytes - offset);
            action(Hpa(piece.target.0 + offset), done, to_usize(length));
            done += length;
        }
    }
}

impl GuestFrames for DomainMemory {
    fn write_bytes(&mut self, start: Gpa, bytes: &[u8]) {
        self.in_pieces(start, to_u64(bytes.len()), |place, done, length| {
            let from = &bytes[to_usize(done)..][..length];
            // SAFETY: `place` is `length` bytes of the domain's memory, which does not run yet.
            unsafe { ptr::copy_nonoverlapping(from.as_ptr(), direct(place), length) };
        });
    }

    fn zero(&mut self, start: Gpa, length: u64) {
        self.in_pieces(start, length, |place, _, length| {
            // SAFETY: as in `write_bytes`.
            unsafe { direct::<u8>(place).write_bytes(0, length) };
        });
    }

    fn write_words(&mut self, start: Gpa, count: u64, mut word: impl FnMut(u64) -> u64) {
        self.in_pieces(start, 8 * count, |place, done, length| {
            let place = direct::<u64>(place);
            for index in 0..length / 8 {
                let value = word(done / 8 + to_u64(index));
                // SAFETY: the index is below the number of words that lie at `place`.
                let slot = unsafe { place.add(index) };
                // SAFETY: as in `write_bytes`; pieces begin and end on page boundaries.
                unsafe { slot.write(value) };
            }
        });
    }
}
