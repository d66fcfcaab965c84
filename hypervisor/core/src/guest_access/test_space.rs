//! Memory with page tables for tests: pages in a row, with gaps.

use super::walk::{PRESENT, WRITABLE};
use crate::guest_memory::TestMemory;

/// Where [`mapped`] puts its pages.
pub(crate) const BASE: u64 = 0xffff_ffff_8000_0000;
/// The top-level table of [`mapped`].
pub(crate) const CR3: u64 = 0x1000;

/// Memory of 16 pages with page `i` at `BASE + i * 4096`; those in `missing` are not mapped, those
/// in `read_only` not writable. Tables lie in frames 1 to 4, pages from frame 32 on.
pub(crate) fn mapped(missing: &[u64], read_only: &[u64]) -> TestMemory {
    let mut memory = TestMemory::default().with_pages(1, 4, true).with_pages(32, 16, true);
    memory.poke(0x1000 + 511 * 8, 0x2003);
    memory.poke(0x2000 + 510 * 8, 0x3003);
    memory.poke(0x3000, 0x4003);
    for page in 0..16 {
        let flags = if read_only.contains(&page) { PRESENT } else { PRESENT | WRITABLE };
        if !missing.contains(&page) {
            memory.poke(0x4000 + page * 8, (32 + page) << 12 | flags);
        }
    }
    memory
}
