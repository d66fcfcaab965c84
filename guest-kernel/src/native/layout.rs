//! Where everything goes that the kernel finds in memory at its start: the domain builder's layout
//! (`docs/abi.md`, "Memory at the start"), for a machine.
//!
//! ```text
//! end of the image   ramdisk
//!                    list of frames, 8 bytes for each page of memory
//!                    start_info
//!                    page tables: one each of levels 4, 3 and 2, then those of level 1
//!                    room for the kernel, 512 KiB at least; ends at a multiple of 4 MiB
//! ```

use core::ops::Range;

/// Bytes in a page.
const PAGE: u64 = 4096;

/// Bytes that a last-level table maps.
const TABLE_REACH: u64 = 2 << 20;

/// What the end of the mapping is a multiple of.
const ALIGNMENT: u64 = 4 << 20;

/// Room behind everything else.
const ROOM: u64 = 512 << 10;

/// The most that is mapped: what one table of level 2 can.
pub(super) const MOST_MAPPED: u64 = 1 << 30;

/// Physical addresses, all multiples of the page size but the end of the ramdisk.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Layout {
    /// The ramdisk; empty if there is none.
    pub(super) ramdisk: Range<u64>,
    /// The list of frames.
    pub(super) frames: Range<u64>,
    /// The start_info page.
    pub(super) start_info: u64,
    /// The page tables.
    pub(super) tables: Range<u64>,
    /// The end of what is mapped, from 0.
    pub(super) mapped: u64,
}

impl Layout {
    /// Lays out what follows the image, which ends at `image_end`, in a memory of `pages` pages;
    /// `None` if there is no room.
    pub(super) fn new(image_end: u64, ramdisk_bytes: u64, pages: u64) -> Option<Self> {
        let start = image_end.checked_next_multiple_of(PAGE)?;
        let ramdisk = start..start.checked_add(ramdisk_bytes)?;
        let frames_start = ramdisk.end.checked_next_multiple_of(PAGE)?;
        let frames_end = frames_start.checked_add(pages.checked_mul(8)?)?;
        let frames = frames_start..frames_end.checked_next_multiple_of(PAGE)?;
        let start_info = frames.end;
        let tables_start = start_info + PAGE;
        let mut mapped = 0;
        // More tables need more room, which may take another table.
        loop {
            let tables = tables_start..tables_start + PAGE * (3 + mapped / TABLE_REACH);
            let needed = (tables.end + ROOM).checked_next_multiple_of(ALIGNMENT)?;
            if needed > MOST_MAPPED.min(pages * PAGE) {
                return None;
            }
            if needed == mapped {
                return Some(Self { ramdisk, frames, start_info, tables, mapped });
            }
            mapped = needed;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_small_machine_has_the_domain_builders_layout() {
        let layout = Layout::new(0x28_0001, 0x1234, 0x8000).unwrap();
        assert_eq!(layout.ramdisk, 0x28_1000..0x28_2234);
        assert_eq!(layout.frames, 0x28_3000..0x2c_3000);
        assert_eq!(layout.start_info, 0x2c_3000);
        assert_eq!(layout.tables, 0x2c_4000..0x2c_9000);
        assert_eq!(layout.mapped, 0x40_0000);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert_eq!(Layout::new(0x20_0000, 0, 0x3ff), None, "less than the mapping");
        assert!(Layout::new(0x20_0000, 0, 0x400).is_some());
        assert_eq!(Layout::new(0x20_0000, 1 << 30, 1 << 20), None, "more than is mapped");
        assert_eq!(Layout::new(0x20_0000, u64::MAX, 1 << 20), None);
        assert_eq!(Layout::new(u64::MAX, 0, 1 << 20), None);
        assert_eq!(Layout::new(0x20_0000, 0, u64::MAX), None);
    }

    proptest! {
        /// Parts follow one another, and what is mapped has room and a table for each 2 MiB.
        #[test]
        fn parts_follow_one_another(
            image_end in 0x10_0000_u64..0x200_0000,
            ramdisk in 0_u64..0x2000_0000,
            pages in 0_u64..1 << 22,
        ) {
            let Some(layout) = Layout::new(image_end, ramdisk, pages) else { return Ok(()) };
            prop_assert!(image_end <= layout.ramdisk.start);
            prop_assert_eq!(layout.ramdisk.end - layout.ramdisk.start, ramdisk);
            prop_assert!(layout.ramdisk.end <= layout.frames.start);
            prop_assert!(layout.frames.end - layout.frames.start >= pages * 8);
            prop_assert_eq!(layout.frames.end, layout.start_info);
            prop_assert_eq!(layout.start_info + PAGE, layout.tables.start);
            prop_assert!(layout.tables.end + ROOM <= layout.mapped);
            prop_assert!(layout.mapped <= MOST_MAPPED.min(pages * PAGE));
            prop_assert_eq!(layout.mapped % ALIGNMENT, 0);
            let tables = (layout.tables.end - layout.tables.start) / PAGE;
            prop_assert_eq!(tables, 3 + layout.mapped / TABLE_REACH);
        }
    }
}
