//! The port through which guest-physical memory is reached, and what is at the end of it.

use crate::address::Gpa;
#[cfg(any(test, feature = "fuzzing"))]
use crate::address::to_usize;

/// One domain's guest-physical memory.
///
/// No method hands out a reference: the domain's other vCPUs may write at any time. What was read
/// is a copy, and is read once.
pub trait GuestMemory {
    /// Copies the bytes at `at` into `into`; they lie within one page. Returns whether there is
    /// memory that the domain may read.
    fn read(&self, at: Gpa, into: &mut [u8]) -> bool;

    /// Copies `from` to `at`; the bytes lie within one page. Returns whether there is memory that
    /// the domain may write.
    fn write(&mut self, at: Gpa, from: &[u8]) -> bool;

    /// Sets `bits` in the word at `at`, a multiple of 8, and returns what it was; `None` where
    /// there is no memory that the domain may write. The change is atomic and sequentially
    /// consistent, for vCPUs and for the hypervisor.
    fn fetch_or(&mut self, at: Gpa, bits: u64) -> Option<u64>;

    /// Keeps only `bits` of the word at `at`; otherwise as [`Self::fetch_or`].
    fn fetch_and(&mut self, at: Gpa, bits: u64) -> Option<u64>;

    /// Writes the half word at `at`, a multiple of 4, in one piece and after all that was written
    /// before; otherwise as [`Self::write`].
    fn store_u32(&mut self, at: Gpa, value: u32) -> bool {
        self.write(at, &value.to_le_bytes())
    }

    /// Stores `value` with the bits `kept` of what was in the word at `at`; otherwise as
    /// [`Self::fetch_or`].
    fn replace_word(&mut self, at: Gpa, value: u64, kept: u64) -> Option<u64>;

    /// Reads the word at `at`, a multiple of 8, or returns `None` where there is no memory.
    fn read_word(&self, at: Gpa) -> Option<u64> {
        let mut bytes = [0; 8];
        self.read(at, &mut bytes).then(|| u64::from_le_bytes(bytes))
    }

    /// As [`Self::read_word`], if that takes no search; `None` may just mean that it does. For
    /// walks of page tables, which then have another way.
    fn read_word_at_once(&self, at: Gpa) -> Option<u64> {
        self.read_word(at)
    }
}

/// Guest memory of a test: pages that exist and whether they may be written.
#[cfg(any(test, feature = "fuzzing"))]
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct TestMemory {
    pages: std::collections::BTreeMap<u64, (Vec<u8>, bool)>,
    /// Pages that are there but not the domain's.
    hidden: std::collections::BTreeMap<u64, (Vec<u8>, bool)>,
}

#[cfg(any(test, feature = "fuzzing"))]
#[cfg_attr(not(test), allow(dead_code, reason = "tests use more of it than fuzzing"))]
impl TestMemory {
    /// Adds `count` zeroed pages from frame `first` on.
    pub(crate) fn with_pages(mut self, first: u64, count: u64, writable: bool) -> Self {
        for frame in first..first + count {
            self.pages.insert(frame, (vec![0; 4096], writable));
        }
        self
    }

    /// Takes a page away, if there is one.
    pub(crate) fn hide(&mut self, frame: u64) {
        self.pages.remove_entry(&frame).map(|(frame, page)| self.hidden.insert(frame, page));
    }

    /// Puts a page back.
    pub(crate) fn show(&mut self, frame: u64) {
        self.hidden.remove_entry(&frame).map(|(frame, page)| self.pages.insert(frame, page));
    }

    /// Zeroes a page that was taken away.
    pub(crate) fn zero_hidden(&mut self, frame: u64) {
        self.hidden.entry(frame).and_modify(|(page, _)| page.fill(0));
    }

    /// Stores a word regardless of protection.
    pub(crate) fn poke(&mut self, at: u64, value: u64) {
        let page = &mut self.pages.get_mut(&(at >> 12)).expect("the page is there").0;
        let offset = to_usize(at & 0xfff);
        page[offset..offset + 8].copy_from_slice(&value.to_le_bytes());
    }

    fn update(&mut self, at: Gpa, change: impl FnOnce(u64) -> u64) -> Option<u64> {
        assert!(at.is_aligned(8), "an atomic access is not aligned");
        let old = self.read_word(at)?;
        self.write(at, &change(old).to_le_bytes()).then_some(old)
    }

    fn page(&self, at: Gpa, len: usize) -> Option<&[u8]> {
        let offset = to_usize(at.page_offset());
        assert!(offset + len <= 4096, "an access crosses a page");
        self.pages.get(&at.gfn().0).map(|(page, _)| &page[offset..offset + len])
    }
}

#[cfg(any(test, feature = "fuzzing"))]
impl GuestMemory for TestMemory {
    fn read(&self, at: Gpa, into: &mut [u8]) -> bool {
        self.page(at, into.len()).map(|bytes| into.copy_from_slice(bytes)).is_some()
    }

    fn write(&mut self, at: Gpa, from: &[u8]) -> bool {
        let offset = to_usize(at.page_offset());
        assert!(offset + from.len() <= 4096, "an access crosses a page");
        match self.pages.get_mut(&at.gfn().0) {
            Some((page, true)) => {
                page[offset..offset + from.len()].copy_from_slice(from);
                true
            }
            _ => false,
        }
    }

    fn fetch_or(&mut self, at: Gpa, bits: u64) -> Option<u64> {
        self.update(at, |old| old | bits)
    }

    fn fetch_and(&mut self, at: Gpa, bits: u64) -> Option<u64> {
        self.update(at, |old| old & bits)
    }

    fn replace_word(&mut self, at: Gpa, value: u64, kept: u64) -> Option<u64> {
        self.update(at, |old| value | old & kept)
    }
}
