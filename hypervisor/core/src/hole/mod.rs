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
//!                       + 0x05000   records of the ports                     read
//!                       + 0x0d000   VcpuData with the TSS                    read, write
//!                       + 0x0e000   tables of M2P, group and direct map      read
//!                       + 0x14000   the resident's code                      read, execute
//!                       + 0x18000   level 2 of the direct map                read
//!                  behind: the grant table                                   read, write
//!                  behind, 2 MiB-aligned: M2P                                read
//! virtual          slot 256         M2P, by 2 MiB pages
//!                  slot 257         all guest-physical memory, by 2 MiB pages
//!                  slot 258         the vCPUs' groups, see `resident`
//! ```

mod contents;
mod gate;
mod layout;

pub use gate::{GATE_BYTES, IDT_LIMIT, event_gate, gate};

use self::layout::{
    DATA, DIRECT_LEVEL_2, DIRECT_LEVEL_3, EMPTY, IDT, LARGE_PAGE, M2P_LEVEL_3, PORTS, READ_ONLY,
    READ_WRITE, SHARED_INFO, TABLE, TEXT, TRAPS, VCPU_LEVEL_1, VCPU_LEVEL_3,
};
use crate::address::{Gfn, Gpa, Gva, PAGE_SIZE, to_u64};
use crate::event_channel::{Port, PortRecord};
use crate::grant_table::GrantTable;
use crate::resident::{self, TASK, Trap};
use xenolith_abi::guest_layout::{HYPERVISOR_L4_FIRST, HYPERVISOR_VIRT_START};
use xenolith_abi::segment::FIRST_RESERVED_GDT_BYTE;

/// Slot of the top-level table, relative to the hole's first, that maps all memory.
const DIRECT_SLOT: usize = 1;
/// Slot of the top-level table, relative to the hole's first, in which the vCPUs' pages are.
const VCPU_SLOT: usize = 2;
/// Slots of the top-level table that are in use, from the hole's first on.
pub const HOLE_SLOTS: usize = 3;
/// Where all memory is mapped for the resident.
pub const DIRECT_START: u64 = slot_address(DIRECT_SLOT).0;
/// Addresses of memory that can be reached there have bits below this one.
pub const DIRECT_BITS: u32 = 39;
/// Selector of the task state segment.
pub const TASK_SELECTOR: u16 = 0xe040;
/// Selector of the local descriptor table, while there is one.
pub const LDT_SELECTOR: u16 = 0xe060;
/// Frames that a grant table has at most; each holds 512 entries.
pub const GRANT_FRAMES: u32 = 32;
/// Bytes of the task state segment; its I/O map lies behind the limit.
pub const TASK_BYTES: u32 = 104;
/// Limit of the GDT: up to the end of the reserved page.
pub const GDT_LIMIT: u32 = FIRST_RESERVED_GDT_BYTE + 0xfff;

/// Bytes that a table of level 2 maps.
const LEVEL_2_BYTES: u64 = 1 << 30;

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
    pub const fn ranges(&self) -> [HoleRange; 8] {
        use HoleAccess::{Read, ReadExecute, ReadWrite};
        [
            self.range(SHARED_INFO, EMPTY, ReadWrite),
            self.range(EMPTY, DATA, Read),
            self.range(DATA, M2P_LEVEL_3, ReadWrite),
            self.range(M2P_LEVEL_3, TEXT, Read),
            self.range(TEXT, DIRECT_LEVEL_2, ReadExecute),
            self.range(DIRECT_LEVEL_2, self.grant_offset(), Read),
            self.range(self.grant_offset(), self.small_bytes(), ReadWrite),
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

    /// Returns the end of the stack on which faults of vCPU 0's resident are handled.
    pub fn fault_stack(&self) -> Gva {
        Gva(self.group().0 + resident::DATA + to_u64(resident::FAULT_STACK_END))
    }

    /// Returns where the resident finds guest-physical memory.
    pub fn direct(&self, at: Gpa) -> Gva {
        Gva(DIRECT_START + at.0)
    }

    /// Returns where root finds the [`VcpuData`] of vCPU 0.
    pub const fn data(&self) -> Gpa {
        self.at(DATA)
    }

    /// Returns where root finds the table entry of `vector`.
    pub const fn trap(&self, vector: u8) -> Gpa {
        self.at(TRAPS + vector as u64 * to_u64(size_of::<Trap>()))
    }

    /// Returns where the record of `port` is, which is one of 4096.
    pub const fn port(&self, port: Port) -> Gpa {
        self.at(PORTS + port.0 as u64 * to_u64(size_of::<PortRecord>()))
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

    /// Returns where root finds the machine-to-physical entry of a frame of the domain's memory.
    pub fn m2p_entry(&self, gfn: Gfn) -> Option<Gpa> {
        (gfn.0 < self.memory_pages).then(|| Gpa(self.m2p().0 + 8 * gfn.0))
    }

    const fn at(&self, offset: u64) -> Gpa {
        Gpa(self.base.0 + offset)
    }

    /// Returns where the domain's grant table is, [`GRANT_FRAMES`] frames.
    pub const fn grants(&self) -> Gpa {
        self.at(self.grant_offset())
    }

    /// Returns that table, of which so many frames have been set up.
    pub const fn grant_table(&self, frames: u32) -> GrantTable {
        GrantTable { start: self.grants(), frames }
    }

    const fn grant_offset(&self) -> u64 {
        DIRECT_LEVEL_2 + self.direct_tables() * PAGE_SIZE
    }

    /// Bytes of everything but M2P.
    const fn small_bytes(&self) -> u64 {
        self.grant_offset() + GRANT_FRAMES as u64 * PAGE_SIZE
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

const fn slot_address(slot: usize) -> Gva {
    const SIGN: u64 = 0xffff_0000_0000_0000;
    const { assert!(HYPERVISOR_VIRT_START == SIGN | to_u64(HYPERVISOR_L4_FIRST) << 39) };
    Gva(SIGN | to_u64(HYPERVISOR_L4_FIRST + slot) << 39)
}

#[cfg(test)]
mod tests;
