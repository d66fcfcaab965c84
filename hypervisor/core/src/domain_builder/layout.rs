//! Where everything goes in a new domain's memory: arithmetic only.
//!
//! The order is Xen's (`xen/public/xen.h`, "Start-of-day memory layout"), and guests rely on it.
//!
//! ```text
//! frame 0      free                                       the image's virtual base
//! kernel       image, rounded to pages
//! ramdisk      unless the image takes it unmapped
//! p2m list     unless the image names an address for it
//! start_info, xenstore ring, console ring                 a page each
//! page tables  L4, L3s, L2s, L1s
//! boot stack   one page
//! padding      at least 512 KiB, up to a multiple of 4 MiB
//! ---                                                     end of the initial mapping
//! ramdisk      if the image takes it unmapped
//! p2m list     if the image names an address for it, then the tables that map it there
//! ```

use super::frame_range::FrameRange;
use super::initial_mapping::{initial_mapping, separate_mapping};
use super::layout_error::{LayoutError, Part};
use super::mapping::{ENTRIES, Mapping};
use super::reservation::Reservation;
use crate::address::{Gfn, Gva, PAGE_SIZE};

/// What a kernel image asks of the layout.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Footprint {
    /// The virtual address of frame 0; a multiple of the page size.
    pub virt_base: Gva,
    /// The frames of the image.
    pub kernel: FrameRange,
    /// Where the image wants the p2m list mapped; only an aligned address below the virtual base
    /// counts, any other is as none.
    pub p2m_address: Option<Gva>,
    /// How the image takes its ramdisk.
    pub ramdisk: RamdiskPlacement,
}

impl Footprint {
    fn separate_p2m(&self) -> Option<Gva> {
        self.p2m_address.filter(|p2m| *p2m < self.virt_base && p2m.is_aligned(PAGE_SIZE))
    }
}

/// How a kernel takes its ramdisk.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RamdiskPlacement {
    /// In the initial mapping, told by virtual address.
    Mapped,
    /// Outside of it, told by frame number.
    #[doc(alias = "XEN_ELFNOTE_MOD_START_PFN")]
    Unmapped,
}

/// The list of the domain's frames.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct P2m {
    /// The frames of the list itself.
    pub list: FrameRange,
    /// Its virtual address.
    pub address: Gva,
    /// Its mapping, if that is not part of the initial one.
    pub mapping: Option<Mapping>,
}

impl P2m {
    fn in_initial_mapping(list: FrameRange, virt_base: Gva) -> Self {
        Self { list, address: virtual_address(virt_base, list.first), mapping: None }
    }

    fn take_separate(
        address: Gva,
        initial: &Mapping,
        memory: &mut Reservation,
    ) -> Result<Self, LayoutError> {
        let list = memory.take(p2m_pages(memory.pages()), Part::P2m)?;
        let mapping = separate_mapping(address, list, initial)?;
        memory.take(mapping.tables.count(), Part::P2m)?;
        Ok(Self { list, address, mapping: Some(mapping) })
    }

    /// Returns the list's frames and those of its own page tables, which follow.
    pub fn frames(&self) -> FrameRange {
        let tables = self.mapping.map_or(0, |mapping| mapping.tables.count());
        FrameRange { first: self.list.first, count: self.list.count + tables }
    }
}

/// Where everything goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Layout {
    /// What the image asked for.
    pub image: Footprint,
    /// The number of the domain's frames.
    pub memory_pages: u64,
    /// The ramdisk: no frames if there is none.
    pub ramdisk: FrameRange,
    /// The list of the domain's frames.
    pub p2m: P2m,
    /// The start_info page.
    pub start_info: Gfn,
    /// The xenstore ring.
    pub xenstore: Gfn,
    /// The console ring.
    pub console: Gfn,
    /// The page tables of the initial mapping; the first is the top-level table.
    pub page_tables: FrameRange,
    /// The boot stack.
    pub boot_stack: Gfn,
    /// The initial mapping: the frames from 0 on, at the virtual base.
    pub initial_mapping: Mapping,
}

impl Layout {
    /// Lays out a domain of `memory_pages` frames with a ramdisk of `ramdisk_bytes` bytes.
    ///
    /// A length of 0 means no ramdisk.
    ///
    /// # Errors
    /// What does not fit into the memory or the address space.
    pub fn plan(
        image: &Footprint,
        memory_pages: u64,
        ramdisk_bytes: u64,
    ) -> Result<Self, LayoutError> {
        let mut memory = Reservation::of(memory_pages)?;
        memory.take_up_to(image.kernel.end(), Part::Kernel)?;
        let ramdisk_pages = ramdisk_bytes.div_ceil(PAGE_SIZE);
        let mut ramdisk = FrameRange::default();
        if image.ramdisk == RamdiskPlacement::Mapped {
            ramdisk = memory.take(ramdisk_pages, Part::Ramdisk)?;
        }
        let low_list = match image.separate_p2m() {
            None => memory.take(p2m_pages(memory_pages), Part::P2m)?,
            Some(_) => FrameRange::default(),
        };
        let boot = memory.take(3, Part::BootPages)?.first;
        let initial_mapping = initial_mapping(image.virt_base, &memory)?;
        let page_tables = memory.take(initial_mapping.tables.count(), Part::InitialMapping)?;
        let boot_stack = memory.take(1, Part::InitialMapping)?.first;
        memory.take_up_to(initial_mapping.frames.end(), Part::InitialMapping)?;
        if image.ramdisk == RamdiskPlacement::Unmapped {
            ramdisk = memory.take(ramdisk_pages, Part::Ramdisk)?;
        }
        let p2m = match image.separate_p2m() {
            None => P2m::in_initial_mapping(low_list, image.virt_base),
            Some(address) => P2m::take_separate(address, &initial_mapping, &mut memory)?,
        };
        Ok(Self {
            image: *image,
            memory_pages,
            ramdisk,
            p2m,
            start_info: boot,
            xenstore: Gfn(boot.0 + 1),
            console: Gfn(boot.0 + 2),
            page_tables,
            boot_stack,
            initial_mapping,
        })
    }

    /// Returns the virtual address of a frame of the initial mapping.
    pub fn virtual_address(&self, frame: Gfn) -> Gva {
        virtual_address(self.image.virt_base, frame)
    }

    /// Returns the top-level page table.
    pub fn top_table(&self) -> Gfn {
        self.page_tables.first
    }
}

/// Returns how many pages hold the frame numbers of a domain's memory.
fn p2m_pages(memory_pages: u64) -> u64 {
    memory_pages.div_ceil(ENTRIES)
}

/// Returns where a frame of the initial mapping is mapped.
fn virtual_address(virt_base: Gva, frame: Gfn) -> Gva {
    Gva(virt_base.0 + frame.0 * PAGE_SIZE)
}

#[cfg(test)]
mod tests;
