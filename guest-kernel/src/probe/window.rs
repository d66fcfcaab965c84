//! A few pages of address space whose mapping a scenario may change as it likes.
//!
//! Rust keeps nothing in these pages: all access is by volatile loads and stores, and an access
//! to a page that is not mapped ends the kernel.

use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

use x86_64::{
    PhysAddr, VirtAddr,
    instructions::tlb,
    structures::paging::{PageTableFlags as Flags, page_table::PageTableLevel as Level},
};

use crate::{
    StartInfo,
    paging::{AddressSpace, Entry, WalkError},
    protection_keys::Key,
    static_pages::{PAGE_BYTES, StaticPages},
};

static PAGES: StaticPages<{ Window::PAGES }> = StaticPages::new();

/// Whether there is a window already.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The window; there is only one.
#[derive(Debug)]
pub struct Window {
    space: AddressSpace,
    /// The frames of the pages as the kernel found them.
    own: [PhysAddr; Self::PAGES],
}

impl Window {
    /// Number of pages.
    pub const PAGES: usize = 64;

    /// Number of bytes.
    pub const BYTES: usize = Self::PAGES * PAGE_BYTES;

    /// Flags of ordinary data.
    pub const DATA: Flags = Flags::PRESENT.union(Flags::WRITABLE);

    /// Returns the window.
    ///
    /// # Panics
    ///
    /// If it was taken before.
    pub fn take(start: &StartInfo) -> Self {
        assert!(!TAKEN.swap(true, Relaxed), "there is one window only");
        let space = AddressSpace::of_boot(start);
        let frame = |page| space.translate(PAGES.page(page)).expect("the image is mapped");
        Self { space, own: core::array::from_fn(frame) }
    }

    /// Returns the address of a byte of the window, mapped or not.
    pub fn address(&self, offset: usize) -> VirtAddr {
        PAGES.page(0) + offset as u64
    }

    /// Returns the guest-physical address of the frame that belongs to a page.
    pub fn own_frame(&self, page: usize) -> PhysAddr {
        self.own[page]
    }

    /// Returns the address space that the window is in.
    pub fn space(&self) -> AddressSpace {
        self.space
    }

    /// Replaces the entry that maps a page by any value, and flushes the old translation.
    pub fn set_entry(&mut self, page: usize, value: u64) {
        self.entry(page).store(value);
        tlb::flush(PAGES.page(page));
    }

    /// Maps a page to any frame.
    pub fn map(&mut self, page: usize, frame: PhysAddr, flags: Flags) {
        self.set_entry(page, frame.as_u64() | flags.bits());
    }

    /// Unmaps a page.
    pub fn unmap(&mut self, page: usize) {
        self.set_entry(page, 0);
    }

    /// Maps a page to its own frame again, as data.
    pub fn restore(&mut self, page: usize) {
        self.map(page, self.own[page], Self::DATA);
    }

    /// Gives a page a protection key, or that of all other pages.
    ///
    /// # Errors
    ///
    /// As [`AddressSpace::set_key`].
    pub fn set_key(&mut self, page: usize, key: Option<Key>) -> Result<(), WalkError> {
        // SAFETY: Rust keeps nothing in the page.
        unsafe { self.space.set_key(PAGES.page(page), key) }
    }

    /// Gives a page other flags, and leaves its frame and its protection key.
    ///
    /// # Errors
    ///
    /// As [`AddressSpace::set_flags`].
    pub fn set_flags(&mut self, page: usize, flags: Flags) -> Result<(), WalkError> {
        // SAFETY: Rust keeps nothing in the page.
        unsafe { self.space.set_flags(PAGES.page(page), flags) }
    }

    /// Returns the last-level entry that maps a page.
    pub fn entry(&self, page: usize) -> Entry {
        last_level_entry(&self.space, page)
    }

    /// Fills a range of bytes.
    pub fn fill(&mut self, offset: usize, bytes: usize, value: u8) {
        for at in offset..offset + bytes {
            self.write(at, &[value]);
        }
    }

    /// Writes bytes.
    pub fn write(&mut self, offset: usize, bytes: &[u8]) {
        let base = pointer(offset, bytes.len());
        for (at, &byte) in bytes.iter().enumerate() {
            // SAFETY: inside the window, where Rust keeps nothing.
            unsafe { base.wrapping_add(at).write_volatile(byte) };
        }
    }

    /// Reads bytes.
    pub fn read(&self, offset: usize, bytes: &mut [u8]) {
        let base = pointer(offset, bytes.len());
        for (at, byte) in bytes.iter_mut().enumerate() {
            // SAFETY: inside the window, where Rust keeps nothing.
            *byte = unsafe { base.wrapping_add(at).read_volatile() };
        }
    }

    /// Reads an array of bytes.
    pub fn bytes<const N: usize>(&self, offset: usize) -> [u8; N] {
        let mut bytes = [0; N];
        self.read(offset, &mut bytes);
        bytes
    }

    /// Reads 4 bytes as a number; at a multiple of 4 all at once, since others may write it.
    pub fn u32(&self, offset: usize) -> u32 {
        if !offset.is_multiple_of(4) {
            return u32::from_le_bytes(self.bytes(offset));
        }
        // SAFETY: inside the window, where Rust keeps nothing.
        unsafe { word(offset).read_volatile() }
    }

    /// Writes 4 bytes at a multiple of 4, all at once: others may read them.
    pub fn set_u32(&mut self, offset: usize, value: u32) {
        // SAFETY: inside the window, where Rust keeps nothing.
        unsafe { word(offset).write_volatile(value) };
    }

    /// Reads 8 bytes as a number.
    pub fn u64(&self, offset: usize) -> u64 {
        u64::from_le_bytes(self.bytes(offset))
    }
}

fn pointer(offset: usize, bytes: usize) -> *mut u8 {
    assert!(offset + bytes <= Window::BYTES, "outside the window");
    PAGES.as_ptr().wrapping_add(offset)
}

/// A number in the window, which begins on a page.
fn word(offset: usize) -> *mut u32 {
    assert!(offset.is_multiple_of(4), "the number is not aligned");
    pointer(offset, 4).cast()
}

fn last_level_entry(space: &AddressSpace, page: usize) -> Entry {
    space.entry(PAGES.page(page), Level::One).expect("the image has last-level tables")
}
