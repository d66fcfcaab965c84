//! Memory to give to hypercalls: good, scattered, and bad in every way there is.
//!
//! ```text
//! page 0   mapped                      good from its start
//! page 1   mapped, to a distant frame  good across 0 and 1, but not contiguous
//! page 2   not mapped                  bad; torn across 1 and 2
//! page 3   read-only                   bad to write
//! page 4   not mapped
//! page 5   maps a frame beyond memory  bad
//! page 6   maps with a reserved bit    bad
//! page 7   its frame serves page 1
//! page 8.. mapped                      for long texts
//! ```

use xenolith_guest::{
    StartInfo,
    probe::Window,
    static_pages::PAGE_BYTES,
    x86_64::{PhysAddr, structures::paging::PageTableFlags as Flags},
};

/// The arranged window.
#[derive(Debug)]
pub struct Buffers {
    window: Window,
}

/// A bad address and what is bad about it.
pub type Bad = (&'static str, u64);

impl Buffers {
    /// Offset of a long piece of good memory.
    pub const LONG: usize = 8 * PAGE_BYTES;

    /// Arranges the window.
    pub fn new(start: &StartInfo) -> Self {
        let mut window = Window::take(start);
        let beyond = PhysAddr::new((start.pages() + 0x1000) * PAGE_BYTES as u64);
        window.map(1, window.own_frame(7), Window::DATA);
        window.unmap(2);
        window.map(3, window.own_frame(3), Flags::PRESENT);
        window.unmap(4);
        window.map(5, beyond, Window::DATA);
        window.map(6, window.own_frame(6) + (1 << 51), Window::DATA);
        Self { window }
    }

    /// Returns the window, for its content.
    pub fn window(&mut self) -> &mut Window {
        &mut self.window
    }

    /// Returns the address of good memory on one page.
    pub fn good(&self) -> u64 {
        self.at(Self::GOOD)
    }

    /// Offset of [`good`](Self::good) memory.
    pub const GOOD: usize = 16;

    /// Returns the offset of `bytes` of good memory that begin on one page and end on another.
    pub fn crossing_offset(bytes: usize) -> usize {
        PAGE_BYTES - bytes.div_ceil(2)
    }

    /// Returns the address of `bytes` of good memory that begin on one page and end on another.
    pub fn crossing(&self, bytes: usize) -> u64 {
        self.at(Self::crossing_offset(bytes))
    }

    /// Returns the address of an offset into the window.
    pub fn at(&self, offset: usize) -> u64 {
        self.window.address(offset).as_u64()
    }

    /// Returns addresses of which not all of `bytes` (at least 2) can be read.
    pub fn unreadable(&self, bytes: usize) -> [Bad; 10] {
        let half = bytes.div_ceil(2);
        [
            ("null", 0),
            ("not mapped", self.at(2 * PAGE_BYTES)),
            ("second page not mapped", self.at(2 * PAGE_BYTES - half)),
            ("frame beyond memory", self.at(5 * PAGE_BYTES)),
            ("reserved bit in the entry", self.at(6 * PAGE_BYTES)),
            ("not canonical", 0x8000_0000_0000),
            ("not canonical, high", 0x8000_0000_0000_0000),
            ("hypervisor's hole", 0xffff_8000_0000_0000),
            ("end of the hole", 0xffff_87ff_ffff_f000),
            ("end of the address space", 0u64.wrapping_sub(half as u64)),
        ]
    }

    /// Returns addresses to which `bytes` can be read but not all written.
    pub fn unwritable(&self, bytes: usize) -> [Bad; 2] {
        [
            ("read-only", self.at(3 * PAGE_BYTES)),
            ("read-only, then not mapped", self.at(4 * PAGE_BYTES - bytes.div_ceil(2))),
        ]
    }
}
