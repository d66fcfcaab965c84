//! The pages that a worker has of the window.
//!
//! ```text
//! page 0 to 2   lists
//!      3        arguments, counts and short lists
//!      4 to 6   results
//!      7        another view of a page
//! ```

use alloc::vec::Vec;

use xenolith_guest::{
    probe::{
        Window,
        memory::{read_u64, write_u64},
    },
    x86_64::VirtAddr,
};

const PAGE: u64 = 4096;
/// Pages of a worker.
pub const PAGES: usize = 8;
const ARGUMENTS: u64 = 3;
const RESULTS: u64 = 4;
const SHOWN: u64 = 7;

/// Pages for results, and their words.
pub(super) const RESULT_PAGES: usize = 3;
pub(super) const RESULT_WORDS: usize = RESULT_PAGES * 512;

/// A worker's pages, which follow each other in memory too.
#[derive(Clone, Copy, Debug)]
pub struct Pages {
    /// The first one's address.
    base: VirtAddr,
    /// The first one's guest-physical address.
    frame: u64,
}

/// A stretch of bytes in a worker's pages.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    /// Its address.
    pub(super) address: u64,
}

impl Stretch {
    pub(super) fn set(self, offset: usize, word: u64) {
        write_u64(VirtAddr::new(self.address + offset as u64), word);
    }

    pub(super) fn word(self, offset: usize) -> u64 {
        read_u64(VirtAddr::new(self.address + offset as u64))
    }

    /// Returns the 2 bytes at an offset, which is even.
    pub(super) fn half(self, offset: usize) -> u16 {
        let bytes = self.word(offset & !7).to_le_bytes();
        u16::from_le_bytes([bytes[offset % 8], bytes[offset % 8 + 1]])
    }

    /// Writes words one after the other.
    pub(super) fn put(self, offset: usize, words: &[u64]) {
        for (index, &word) in words.iter().enumerate() {
            self.set(offset + 8 * index, word);
        }
    }

    /// Returns the stretch from an offset on.
    pub(super) fn from(self, offset: usize) -> Self {
        Self { address: self.address + offset as u64 }
    }
}

impl Pages {
    pub(super) fn new(window: &Window, worker: usize) -> Self {
        let first = worker * PAGES;
        let base = window.address(first * 4096);
        Self { base, frame: window.own_frame(first).as_u64() }
    }

    fn at(self, page: u64) -> Stretch {
        Stretch { address: (self.base + page * PAGE).as_u64() }
    }

    /// Returns where lists are: 12 KiB.
    pub(super) fn list(self) -> Stretch {
        self.at(0)
    }

    /// Returns where arguments and short lists are: 4 KiB.
    pub(super) fn arguments(self) -> Stretch {
        self.at(ARGUMENTS)
    }

    /// Returns the guest-physical address of a page for results.
    pub(super) fn result_frame(self, page: usize) -> u64 {
        self.frame + (RESULTS + page as u64) * PAGE
    }

    pub(super) fn results(self) -> Vec<u64> {
        let results = self.at(RESULTS);
        (0..RESULT_WORDS).map(|word| results.word(8 * word)).collect()
    }

    pub(super) fn set_results(self, words: &[u64]) {
        self.at(RESULTS).put(0, words);
    }

    /// Returns the address at which other frames are shown.
    pub(super) fn shown_at(self) -> u64 {
        self.at(SHOWN).address
    }

    /// Returns a word of the frame that is shown.
    pub(super) fn shown(self, word: usize) -> u64 {
        self.at(SHOWN).word(8 * word)
    }

    /// Changes a word of the frame that is shown.
    pub(super) fn set_shown(self, word: usize, value: u64) {
        self.at(SHOWN).set(8 * word, value);
    }
}
