//! Loads and stores of a domain's memory.

use super::DomainMemory;
use crate::memory::direct;
use core::ptr;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering, compiler_fence};
use xenolith_core::address::{Gpa, to_u64};
use xenolith_core::guest_access::Access;
use xenolith_core::guest_memory::GuestMemory;

impl DomainMemory {
    /// Returns where the `len` bytes at `at` are, if the domain has them and may access them so.
    #[inline]
    fn place<T>(&self, at: Gpa, len: usize, access: Access) -> Option<*mut T> {
        match self.pieces.find_at_once(at, to_u64(len)) {
            Some(place) if self.has(at) => Some(place.cast()),
            _ => self.search(at, len, access),
        }
    }

    /// Likewise, wherever they are.
    #[inline(never)]
    fn search<T>(&self, at: Gpa, len: usize, access: Access) -> Option<*mut T> {
        let (place, piece) = self.find(at, len)?;
        let allowed = access == Access::Read || piece.is_writable();
        (allowed && self.has(at)).then(|| direct(place))
    }

    /// Returns whether the domain has the frame of `at`, if it is one of its memory.
    #[inline]
    fn has(&self, at: Gpa) -> bool {
        !self.frames.lacks(at.gfn())
    }

    /// Returns the aligned word at `at`, if the domain has it and may access it so.
    #[inline]
    fn word(&self, at: Gpa, access: Access) -> Option<&AtomicU64> {
        let place = self.place(at, 8, access).filter(|_| at.is_aligned(8))?;
        // SAFETY: the word is aligned and lies in a piece of the domain's memory, which the direct
        // map covers as long as the domain lives. It is shared with vCPUs, and atomic for them too.
        Some(unsafe { AtomicU64::from_ptr(place) })
    }
}

impl GuestMemory for DomainMemory {
    #[inline]
    fn read(&self, at: Gpa, into: &mut [u8]) -> bool {
        let Some(place) = self.place(at, into.len(), Access::Read) else { return false };
        // SAFETY: the bytes lie in a piece of the domain's memory, which the direct map covers and
        // no reference of ours points to. A vCPU may write at the same time: the copy is then a
        // mixture, and is only ever data.
        unsafe { ptr::copy_nonoverlapping(place, into.as_mut_ptr(), into.len()) };
        // What was read is the copy: the compiler, which knows of nobody else who writes, must not
        // read the same bytes again.
        compiler_fence(Ordering::SeqCst);
        true
    }

    #[inline]
    fn write(&mut self, at: Gpa, from: &[u8]) -> bool {
        let Some(place) = self.place(at, from.len(), Access::Write) else { return false };
        // SAFETY: as in `read`.
        unsafe { ptr::copy_nonoverlapping(from.as_ptr(), place, from.len()) };
        true
    }

    fn fetch_or(&mut self, at: Gpa, bits: u64) -> Option<u64> {
        self.word(at, Access::Write).map(|word| word.fetch_or(bits, Ordering::SeqCst))
    }

    fn fetch_and(&mut self, at: Gpa, bits: u64) -> Option<u64> {
        self.word(at, Access::Write).map(|word| word.fetch_and(bits, Ordering::SeqCst))
    }

    fn store_u32(&mut self, at: Gpa, value: u32) -> bool {
        match self.place(at, 4, Access::Write) {
            Some(place) if at.is_aligned(4) => {
                // SAFETY: as in `word`; half words are aligned.
                let half = unsafe { AtomicU32::from_ptr(place) };
                half.store(value, Ordering::Release);
                true
            }
            _ => false,
        }
    }

    #[inline]
    fn replace_word(&mut self, at: Gpa, value: u64, kept: u64) -> Option<u64> {
        let word = self.word(at, Access::Write)?;
        if kept == 0 {
            return Some(word.swap(value, Ordering::SeqCst));
        }
        let new = |old| Some(value | old & kept);
        word.fetch_update(Ordering::SeqCst, Ordering::SeqCst, new).ok()
    }

    #[inline]
    fn read_word(&self, at: Gpa) -> Option<u64> {
        self.word(at, Access::Read).map(|word| word.load(Ordering::SeqCst))
    }

    #[inline]
    fn read_word_at_once(&self, at: Gpa) -> Option<u64> {
        match self.pieces.find_at_once(at, 8) {
            Some(place) if at.is_aligned(8) && self.has(at) => {
                // SAFETY: as in `word`.
                let word = unsafe { AtomicU64::from_ptr(place.cast()) };
                Some(word.load(Ordering::SeqCst))
            }
            _ => None,
        }
    }
}
