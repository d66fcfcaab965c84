//! The hypervisor's part of a guest's address space, and the frames behind it.
//!
//! The frames lie above the domain's memory, in host memory of their own. Only the shared page is
//! writable through EPT; the tables have their accessed and dirty flags set, so that the CPU never
//! has to write to them.
//!
//! ```text
//! guest-physical   base + 0x0000   shared_info                                  read, write
//!                       + 0x1000   an empty page                                read
//!                       + 0x2000   reserved page of the GDT, and the TSS        read
//!                       + 0x3000   tables: M2P level 3, 2; vCPUs level 3, 2, 1  read
//!                  base + 2 MiB    M2P                                          read
//! virtual          slot 256        M2P, by 2 MiB pages
//!                  slot 258        GDT of 15 pages
//! ```

use crate::address::{Gpa, Gva, PAGE_SIZE, to_u64};
use crate::domain_builder::guest_frames::GuestFrames;
use crate::page_map::LARGE;
use xenolith_abi::guest_layout::{HYPERVISOR_L4_FIRST, HYPERVISOR_VIRT_START};
use xenolith_abi::segment::{
    FIRST_RESERVED_GDT_BYTE, FLAT_RING3_CS32, FLAT_RING3_CS64, FLAT_RING3_DS32,
};
use xenolith_abi::xenolith::{KERNEL_CS, KERNEL_SS};

const LARGE_PAGE: u64 = 2 << 20;
const SHARED_INFO: u64 = 0;
const EMPTY: u64 = 0x1000;
const DESCRIPTORS: u64 = 0x2000;
const M2P_LEVEL_3: u64 = 0x3000;
const M2P_LEVEL_2: u64 = 0x4000;
const VCPU_LEVEL_3: u64 = 0x5000;
const VCPU_LEVEL_2: u64 = 0x6000;
const VCPU_LEVEL_1: u64 = 0x7000;
const SMALL_BYTES: u64 = 0x8000;

/// Slot of the top-level table, relative to the hole's first, in which the vCPUs' pages are.
const VCPU_SLOT: usize = 2;
/// Selector of the task state segment.
pub const TASK_SELECTOR: u16 = 0xe040;
/// Bytes of the task state segment; its I/O map lies behind the limit.
pub const TASK_BYTES: u32 = 104;
const TASK_OFFSET: u64 = 0x100;
/// Limit of the GDT: up to the end of the reserved page.
pub const GDT_LIMIT: u32 = FIRST_RESERVED_GDT_BYTE + 0xfff;

const PRESENT: u64 = 1 << 0;
const WRITABLE: u64 = 1 << 1;
const ACCESSED_DIRTY: u64 = 0x60;
const NO_EXECUTE: u64 = 1 << 63;
/// A table whose pages are supervisor pages.
const TABLE: u64 = PRESENT | WRITABLE | ACCESSED_DIRTY;
/// A page that can only be read.
const READ_ONLY: u64 = PRESENT | ACCESSED_DIRTY | NO_EXECUTE;

/// What M2P says of frames that are nobody's memory.
const INVALID_M2P_ENTRY: u64 = u64::MAX;

/// Where the hole's frames lie for a domain of a given size.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Hole {
    memory_pages: u64,
    base: Gpa,
}

/// Frames of the hole that are mapped alike.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct HoleRange {
    /// Where the guest finds them.
    pub start: Gpa,
    /// How long they are.
    pub bytes: u64,
    /// Whether the guest may write to them.
    pub writable: bool,
}

impl Hole {
    /// Lays out the hole of a domain with `memory_pages` pages of memory.
    pub const fn new(memory_pages: u64) -> Self {
        let base = (memory_pages * PAGE_SIZE).next_multiple_of(LARGE_PAGE);
        Self { memory_pages, base: Gpa(base) }
    }

    /// Returns the address of the shared page.
    pub const fn shared_info(&self) -> Gpa {
        self.at(SHARED_INFO)
    }

    /// Returns the first frame number above all that a guest may name.
    pub const fn max_gfn(&self) -> u64 {
        self.at(SMALL_BYTES).gfn().0
    }

    /// Returns the ranges that need host memory.
    pub const fn ranges(&self) -> [HoleRange; 3] {
        [
            HoleRange { start: self.shared_info(), bytes: PAGE_SIZE, writable: true },
            HoleRange { start: self.at(EMPTY), bytes: SMALL_BYTES - EMPTY, writable: false },
            HoleRange { start: self.m2p(), bytes: self.m2p_bytes(), writable: false },
        ]
    }

    /// Returns the entries of the slots 256 to 271 of every top-level table.
    pub fn entries(&self) -> [u64; 16] {
        let mut entries = [0; 16];
        entries[0] = self.at(M2P_LEVEL_3).0 | TABLE;
        entries[VCPU_SLOT] = self.at(VCPU_LEVEL_3).0 | TABLE;
        entries
    }

    /// Returns the virtual address of the GDT of vCPU 0.
    pub fn gdt(&self) -> Gva {
        let slot = to_u64(HYPERVISOR_L4_FIRST + VCPU_SLOT);
        debug_assert_eq!(HYPERVISOR_VIRT_START >> 39 & 511, slot - to_u64(VCPU_SLOT));
        Gva(0xffff_0000_0000_0000 | slot << 39)
    }

    /// Returns the virtual address of the task state segment of vCPU 0.
    pub fn task(&self) -> Gva {
        Gva(self.gdt().0 + u64::from(FIRST_RESERVED_GDT_BYTE) + TASK_OFFSET)
    }

    /// Writes the contents of all frames, which must be zero, to `frames`.
    pub fn write(&self, frames: &mut impl GuestFrames) {
        self.write_m2p(frames);
        self.write_descriptors(frames);
        let reserved_page = to_u64(xenolith_abi::segment::FIRST_RESERVED_GDT_PAGE as usize);
        let gdt_page = |page| if page == reserved_page { DESCRIPTORS } else { EMPTY };
        let m2p = self.m2p().0;
        let table = |offset| self.at(offset).0 | TABLE;
        frames.write_words(self.at(M2P_LEVEL_3), 1, |_| table(M2P_LEVEL_2));
        frames.write_words(self.at(M2P_LEVEL_2), self.m2p_bytes() / LARGE_PAGE, |i| {
            (m2p + i * LARGE_PAGE) | READ_ONLY | LARGE
        });
        frames.write_words(self.at(VCPU_LEVEL_3), 1, |_| table(VCPU_LEVEL_2));
        frames.write_words(self.at(VCPU_LEVEL_2), 1, |_| table(VCPU_LEVEL_1));
        frames.write_words(self.at(VCPU_LEVEL_1), reserved_page + 1, |page| {
            self.at(gdt_page(page)).0 | READ_ONLY
        });
    }

    fn write_m2p(&self, frames: &mut impl GuestFrames) {
        let entries = self.m2p_bytes() / 8;
        let owned = self.memory_pages;
        frames.write_words(
            self.m2p(),
            entries,
            |gfn| {
                if gfn < owned { gfn } else { INVALID_M2P_ENTRY }
            },
        );
    }

    fn write_descriptors(&self, frames: &mut impl GuestFrames) {
        let task = self.task().0;
        let limit = u64::from(TASK_BYTES - 1);
        let task_low = limit | (task & 0xff_ffff) << 16 | 0x8b << 40 | (task >> 24 & 0xff) << 56;
        for (selector, descriptor) in [
            (FLAT_RING3_CS32, 0x00cf_fb00_0000_ffff),
            (FLAT_RING3_DS32, 0x00cf_f300_0000_ffff),
            (FLAT_RING3_CS64, 0x00af_fb00_0000_ffff),
            (TASK_SELECTOR, task_low),
            (TASK_SELECTOR + 8, task >> 32),
            (KERNEL_CS, 0x00af_9b00_0000_ffff),
            (KERNEL_SS, 0x00cf_9300_0000_ffff),
        ] {
            let offset = u64::from(selector & !7) - u64::from(FIRST_RESERVED_GDT_BYTE);
            frames.write_words(self.at(DESCRIPTORS + offset), 1, |_| descriptor);
        }
        let io_map_base = u64::from(TASK_BYTES) << 48;
        frames.write_words(self.at(DESCRIPTORS + TASK_OFFSET + 96), 1, |_| io_map_base);
    }

    const fn at(&self, offset: u64) -> Gpa {
        Gpa(self.base.0 + offset)
    }

    const fn m2p(&self) -> Gpa {
        self.at(LARGE_PAGE)
    }

    const fn m2p_bytes(&self) -> u64 {
        (self.max_gfn() * 8).next_multiple_of(LARGE_PAGE)
    }
}

#[cfg(test)]
mod tests;
