//! The hypervisor's part of a guest's address space, and the frames behind it.
//!
//! The frames lie above the domain's memory, in host memory of their own. EPT protects what the
//! guest must not change; tables have their accessed and dirty flags set, so that the CPU never has
//! to write to them.
//!
//! ```text
//! guest-physical   base + 0x00000   shared_info                              read, write
//!                       + 0x01000   an empty page                            read
//!                       + 0x02000   reserved page of the GDT                 read
//!                       + 0x03000   IDT                                      read
//!                       + 0x04000   TrapTable                                read
//!                       + 0x05000   VcpuData with the TSS                    read, write
//!                       + 0x06000   tables of M2P, group and direct map      read
//!                       + 0x0c000   the resident's code                      read, execute
//!                       + 0x10000   level 2 of the direct map                read
//!                  behind, 2 MiB-aligned: M2P                                read
//! virtual          slot 256         M2P, by 2 MiB pages
//!                  slot 257         all guest-physical memory, by 2 MiB pages
//!                  slot 258         the vCPUs' groups, see `resident`
//! ```

use crate::address::{Gfn, Gpa, Gva, PAGE_SIZE, to_u64};
use crate::domain_builder::guest_frames::GuestFrames;
use crate::page_map::LARGE;
use crate::resident::{self, EVENT_VECTOR, Header, TASK, Trap, VcpuData};
use core::mem::offset_of;
use xenolith_abi::guest_layout::{HYPERVISOR_L4_FIRST, HYPERVISOR_VIRT_START};
use xenolith_abi::segment::{
    FIRST_RESERVED_GDT_BYTE, FLAT_RING3_CS32, FLAT_RING3_CS64, FLAT_RING3_DS32,
};
use xenolith_abi::xenolith::{KERNEL_CS, KERNEL_SS};

const LARGE_PAGE: u64 = 2 << 20;
const SHARED_INFO: u64 = 0;
const EMPTY: u64 = 0x1000;
const DESCRIPTORS: u64 = 0x2000;
const IDT: u64 = 0x3000;
const TRAPS: u64 = 0x4000;
const DATA: u64 = 0x5000;
const M2P_LEVEL_3: u64 = 0x6000;
const M2P_LEVEL_2: u64 = 0x7000;
const VCPU_LEVEL_3: u64 = 0x8000;
const VCPU_LEVEL_2: u64 = 0x9000;
const VCPU_LEVEL_1: u64 = 0xa000;
const DIRECT_LEVEL_3: u64 = 0xb000;
const TEXT: u64 = 0xc000;
const DIRECT_LEVEL_2: u64 = TEXT + resident::MAX_TEXT_BYTES;

/// Slot of the top-level table, relative to the hole's first, that maps all memory.
const DIRECT_SLOT: usize = 1;
/// Slot of the top-level table, relative to the hole's first, in which the vCPUs' pages are.
const VCPU_SLOT: usize = 2;
/// Selector of the task state segment.
pub const TASK_SELECTOR: u16 = 0xe040;
/// Bytes of the task state segment; its I/O map lies behind the limit.
pub const TASK_BYTES: u32 = 104;
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
/// A page of data.
const READ_WRITE: u64 = READ_ONLY | WRITABLE;
/// A page of code.
const READ_EXECUTE: u64 = PRESENT | ACCESSED_DIRTY;
/// Bytes that a table of level 2 maps.
const LEVEL_2_BYTES: u64 = 1 << 30;

/// What M2P says of frames that are nobody's memory.
const INVALID_M2P_ENTRY: u64 = u64::MAX;

/// Where the hole's frames lie for a domain of a given size.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Hole {
    memory_pages: u64,
    base: Gpa,
}

/// What a guest may do with frames of the hole.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HoleAccess {
    /// Read.
    Read,
    /// Read and write.
    ReadWrite,
    /// Read and execute.
    ReadExecute,
}

/// Frames of the hole that are mapped alike.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct HoleRange {
    /// Where the guest finds them.
    pub start: Gpa,
    /// How long they are.
    pub bytes: u64,
    /// What the guest may do with them.
    pub access: HoleAccess,
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
        self.at(self.small_bytes()).gfn().0
    }

    /// Returns the ranges that need host memory.
    pub const fn ranges(&self) -> [HoleRange; 7] {
        use HoleAccess::{Read, ReadExecute, ReadWrite};
        [
            self.range(SHARED_INFO, EMPTY, ReadWrite),
            self.range(EMPTY, DATA, Read),
            self.range(DATA, M2P_LEVEL_3, ReadWrite),
            self.range(M2P_LEVEL_3, TEXT, Read),
            self.range(TEXT, DIRECT_LEVEL_2, ReadExecute),
            self.range(DIRECT_LEVEL_2, self.small_bytes(), Read),
            HoleRange { start: self.m2p(), bytes: self.m2p_bytes(), access: Read },
        ]
    }

    const fn range(&self, from: u64, to: u64, access: HoleAccess) -> HoleRange {
        HoleRange { start: self.at(from), bytes: to - from, access }
    }

    /// Returns the entries of the slots 256 to 271 of every top-level table.
    pub fn entries(&self) -> [u64; 16] {
        let mut entries = [0; 16];
        entries[0] = self.at(M2P_LEVEL_3).0 | TABLE;
        entries[DIRECT_SLOT] = self.at(DIRECT_LEVEL_3).0 | TABLE;
        entries[VCPU_SLOT] = self.at(VCPU_LEVEL_3).0 | TABLE;
        entries
    }

    /// Returns the virtual address of the group of vCPU 0, which begins with its GDT.
    pub fn group(&self) -> Gva {
        slot_address(VCPU_SLOT)
    }

    /// Returns the virtual address of the code of vCPU 0.
    pub fn text(&self) -> Gva {
        Gva(self.group().0 + resident::TEXT)
    }

    /// Returns the virtual address of the IDT of vCPU 0.
    pub fn idt(&self) -> Gva {
        Gva(self.group().0 + resident::IDT)
    }

    /// Returns the virtual address of the task state segment of vCPU 0.
    pub fn task(&self) -> Gva {
        Gva(self.group().0 + resident::DATA + TASK)
    }

    /// Returns where the resident finds guest-physical memory.
    pub fn direct(&self, at: Gpa) -> Gva {
        Gva(slot_address(DIRECT_SLOT).0 + at.0)
    }

    /// Returns where root finds the [`VcpuData`] of vCPU 0.
    pub const fn data(&self) -> Gpa {
        self.at(DATA)
    }

    /// Returns where root finds the table entry of `vector`.
    pub const fn trap(&self, vector: u8) -> Gpa {
        self.at(TRAPS + vector as u64 * to_u64(size_of::<Trap>()))
    }

    /// Returns where root finds the gate of `vector`.
    pub const fn gate(&self, vector: u8) -> Gpa {
        self.at(IDT + vector as u64 * GATE_BYTES)
    }

    /// Returns where root finds the entry that maps `page` of the guest's part of the GDT, and what
    /// it is when the guest gives `frame` for it, or nothing.
    pub const fn gdt_entry(&self, page: u64, frame: Option<Gfn>) -> (Gpa, u64) {
        let entry = match frame {
            Some(frame) => (frame.0 * PAGE_SIZE) | READ_WRITE,
            None => self.at(EMPTY).0 | READ_ONLY,
        };
        (self.at(VCPU_LEVEL_1 + page * 8), entry)
    }

    /// Writes the contents of all frames, which must be zero, to `frames`: `code` is the resident,
    /// `kernel_sp` the stack with which the vCPU starts.
    pub fn write(&self, frames: &mut impl GuestFrames, code: &[u8], kernel_sp: Gva) {
        self.write_m2p(frames);
        self.write_descriptors(frames);
        self.write_group(frames);
        self.write_direct(frames);
        frames.write_bytes(self.at(TEXT), code);
        let words = [
            (offset_of!(VcpuData, mode), u64::from(resident::KERNEL)),
            (offset_of!(VcpuData, vcpu_info), self.direct(self.shared_info()).0),
            (offset_of!(VcpuData, kernel_sp), kernel_sp.0),
            (offset_of!(VcpuData, task_end) - 4, u64::from(TASK_BYTES) << 48),
        ];
        for (offset, word) in words {
            frames.write_words(self.at(DATA + to_u64(offset)), 1, |_| word);
        }
    }

    /// Writes the tables and the gate for injected events.
    fn write_group(&self, frames: &mut impl GuestFrames) {
        let table = |offset| self.at(offset).0 | TABLE;
        frames.write_words(self.at(VCPU_LEVEL_3), 1, |_| table(VCPU_LEVEL_2));
        frames.write_words(self.at(VCPU_LEVEL_2), 1, |_| table(VCPU_LEVEL_1));
        let pages = (resident::TEXT + resident::MAX_TEXT_BYTES) / PAGE_SIZE;
        frames.write_words(self.at(VCPU_LEVEL_1), pages, |page| match page * PAGE_SIZE {
            0..resident::DESCRIPTORS => self.at(EMPTY).0 | READ_ONLY,
            resident::DESCRIPTORS => self.at(DESCRIPTORS).0 | READ_ONLY,
            resident::IDT => self.at(IDT).0 | READ_ONLY,
            resident::DATA => self.at(DATA).0 | READ_WRITE,
            resident::TRAPS => self.at(TRAPS).0 | READ_ONLY,
            offset @ resident::TEXT.. => self.at(TEXT + offset - resident::TEXT).0 | READ_EXECUTE,
            _ => 0,
        });
    }

    fn write_direct(&self, frames: &mut impl GuestFrames) {
        let tables = self.direct_tables();
        frames.write_words(self.at(DIRECT_LEVEL_3), tables, |i| {
            self.at(DIRECT_LEVEL_2 + i * PAGE_SIZE).0 | TABLE
        });
        // The last page holds the beginning of the hole, above all shared_info.
        let pages = self.base.0 / LARGE_PAGE + 1;
        frames
            .write_words(self.at(DIRECT_LEVEL_2), pages, |i| (i * LARGE_PAGE) | READ_WRITE | LARGE);
    }

    fn write_m2p(&self, frames: &mut impl GuestFrames) {
        let (m2p, owned) = (self.m2p().0, self.memory_pages);
        frames.write_words(self.at(M2P_LEVEL_3), 1, |_| self.at(M2P_LEVEL_2).0 | TABLE);
        frames.write_words(self.at(M2P_LEVEL_2), self.m2p_bytes() / LARGE_PAGE, |i| {
            (m2p + i * LARGE_PAGE) | READ_ONLY | LARGE
        });
        frames.write_words(self.m2p(), self.m2p_bytes() / 8, |gfn| {
            if gfn < owned { gfn } else { INVALID_M2P_ENTRY }
        });
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
    }

    const fn at(&self, offset: u64) -> Gpa {
        Gpa(self.base.0 + offset)
    }

    /// Bytes of everything but M2P.
    const fn small_bytes(&self) -> u64 {
        DIRECT_LEVEL_2 + self.direct_tables() * PAGE_SIZE
    }

    /// Tables of level 2 that the direct map needs.
    const fn direct_tables(&self) -> u64 {
        (self.base.0 + LARGE_PAGE).div_ceil(LEVEL_2_BYTES)
    }

    const fn m2p(&self) -> Gpa {
        self.at(self.small_bytes().next_multiple_of(LARGE_PAGE))
    }

    const fn m2p_bytes(&self) -> u64 {
        (self.max_gfn() * 8).next_multiple_of(LARGE_PAGE)
    }
}

/// Limit of the IDT: all vectors.
pub const IDT_LIMIT: u32 = 0xfff;
/// Bytes of an IDT entry.
pub const GATE_BYTES: u64 = 16;

/// Returns the interrupt gate through which privilege level `dpl` and above reach `entry` in the
/// resident (SDM 3A, "64-Bit Mode IDT"), or that of the event vector.
pub fn gate(entry: Gva, dpl: u8) -> [u64; 2] {
    const INTERRUPT_GATE: u64 = 0x8e00;
    let rights = INTERRUPT_GATE | u64::from(dpl & 3) << 13;
    let low = (entry.0 & 0xffff) | u64::from(KERNEL_CS) << 16;
    [low | rights << 32 | (entry.0 >> 16 & 0xffff) << 48, entry.0 >> 32]
}

/// Returns the gate through which root injects events.
pub fn event_gate(hole: &Hole, header: &Header) -> (Gpa, [u64; 2]) {
    let entry = Gva(hole.text().0 + u64::from(header.event));
    (hole.gate(EVENT_VECTOR), gate(entry, 0))
}

fn slot_address(slot: usize) -> Gva {
    const SIGN: u64 = 0xffff_0000_0000_0000;
    debug_assert_eq!(HYPERVISOR_VIRT_START, SIGN | to_u64(HYPERVISOR_L4_FIRST) << 39);
    Gva(SIGN | to_u64(HYPERVISOR_L4_FIRST + slot) << 39)
}

#[cfg(test)]
mod tests;
