//! Where in host memory a domain's memory lies.

use crate::boot::BootError;
use crate::memory::direct;
use arrayvec::ArrayVec;
use core::ptr;
use xenolith_core::address::{Gpa, Hpa, to_usize};
use xenolith_core::ept;

/// Pieces that a domain's memory may consist of, with those of the hole.
const MAX_PIECES: usize = 64;

/// Bytes of an access, at most, for which no search is needed: as much as a structure has.
const SHORT: u64 = 64;

/// Host memory that appears at consecutive guest-physical addresses; whole pages.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub(super) start: Gpa,
    pub(super) bytes: u64,
    pub(super) target: Hpa,
    /// What the guest may do: rights of an EPT entry.
    pub(super) rights: u64,
}

impl Piece {
    pub(super) const fn is_writable(&self) -> bool {
        self.rights & ept::WRITE != 0
    }
}

/// The pieces of a domain, in ascending order of guest-physical addresses.
#[derive(Debug)]
pub(super) struct Pieces {
    /// The piece at address 0. Few domains have memory in another, and whatever an access to a
    /// guest costs begins with finding its piece: so this one is not searched for.
    low: Piece,
    /// Where the direct map has it.
    low_place: *mut u8,
    /// How many addresses at its beginning have [`SHORT`] bytes of it behind them.
    low_starts: u64,
    others: ArrayVec<Piece, MAX_PIECES>,
}

impl Pieces {
    /// Makes a list without memory.
    pub(super) const fn new() -> Self {
        let low = Piece { start: Gpa(0), bytes: 0, target: Hpa(0), rights: 0 };
        Self { low, low_place: ptr::null_mut(), low_starts: 0, others: ArrayVec::new_const() }
    }

    /// Adds a piece behind all others; the first one is at address 0.
    ///
    /// # Errors
    ///
    /// When there are too many.
    ///
    /// # Panics
    ///
    /// When the piece at address 0, which is memory, may not be written.
    pub(super) fn add(&mut self, piece: Piece) -> Result<(), BootError> {
        if piece.start == Gpa(0) {
            assert!(piece.is_writable(), "memory comes first");
            self.low_place = direct(piece.target);
            self.low_starts = piece.bytes.saturating_sub(SHORT);
            self.low = piece;
            return Ok(());
        }
        self.others.try_push(piece).map_err(|_| BootError::Fragmented)
    }

    /// Returns where the `len` bytes at `at` are, if that takes no search; they may be written.
    #[inline]
    pub(super) fn find_at_once(&self, at: Gpa, len: u64) -> Option<*mut u8> {
        let inside = len <= SHORT && at.0 < self.low_starts;
        inside.then(|| self.low_place.wrapping_add(to_usize(at.0)))
    }

    /// Returns the piece in which `at` lies, and how far from its start.
    pub(super) fn find(&self, at: Gpa) -> Option<(&Piece, u64)> {
        if at.0 < self.low.bytes { Some((&self.low, at.0)) } else { self.search(at) }
    }

    /// Searches the other pieces.
    fn search(&self, at: Gpa) -> Option<(&Piece, u64)> {
        // In front of a piece the distance wraps, and is longer than any.
        let distance = |piece: &Piece| at.0.wrapping_sub(piece.start.0);
        let piece = self.others.iter().find(|piece| distance(piece) < piece.bytes)?;
        Some((piece, distance(piece)))
    }
}
