//! The resident: the hypervisor's agent inside a guest, as far as root and it have to agree.
//!
//! Its code is a flat binary (package `xenolith-resident`) that begins with a [`Header`]. Each vCPU
//! has a group of pages in the hole:
//! ```text
//! group + 0x00000   the guest's pages of its GDT
//!       + 0x0e000   the GDT's reserved page                   read-only
//!       + 0x0f000   IDT                                       read-only
//!       + 0x10000   VcpuData                                  writable
//!       + 0x11000   TrapTable                                 read-only
//!       + 0x12000   records of the ports                      read-only
//!       + 0x20000   code                                      executable
//! ```
//! The guest can write to [`VcpuData`]: root treats what it finds there as the guest's claims.

mod header;

pub use header::{Fixup, Header, HeaderError, Restart, TracedEntries, Undo};

use crate::address::to_u64;
use crate::event_channel::PortRecord;
use crate::hole::HOLE_SLOTS;
use xenolith_abi::trap::FLAG_MASK_EVENTS;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Bytes from one vCPU's group to the next.
pub const GROUP_BYTES: u64 = 0x10_0000;
/// Offset of the reserved page of the GDT.
pub const DESCRIPTORS: u64 = 0xe000;
/// Offset of the IDT.
pub const IDT: u64 = 0xf000;
/// Offset of [`VcpuData`].
pub const DATA: u64 = 0x1_0000;
/// Offset of the [`TrapTable`].
pub const TRAPS: u64 = 0x1_1000;
/// Offset of the records of the domain's ports, [`PortRecord`](crate::event_channel::PortRecord).
pub const PORTS: u64 = 0x1_2000;
/// Bytes of these records.
pub const PORT_BYTES: u64 = to_u64(crate::event_channel::PORTS * size_of::<PortRecord>());
/// Offset of the code.
pub const TEXT: u64 = 0x2_0000;

/// Bytes that the code may have.
pub const MAX_TEXT_BYTES: u64 = 0x4000;

/// The vector that root injects for an event; hardware reserves it.
pub const EVENT_VECTOR: u8 = 31;

/// [`VcpuData::mode`]: the guest's kernel runs.
pub const KERNEL: u8 = 1;
/// [`VcpuData::mode`]: one of its processes runs.
pub const USER: u8 = 0;

/// Hypercall numbers of which the resident may serve some; the others it passes on.
pub const CALLS: usize = 64;
/// Words of [`VcpuData::fault_stack`].
const FAULT_STACK_WORDS: usize = 32;

/// What the resident keeps of a vCPU. The guest can reach it, and can hurt itself with it.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct VcpuData {
    /// [`KERNEL`] or [`USER`].
    pub mode: u8,
    /// Fills the word.
    pub padding: [u8; 7],
    /// Where the resident finds `vcpu_info`.
    pub vcpu_info: u64,
    /// Entry point for events; without one, where the resident reports that.
    pub event_callback: u64,
    /// Entry point for system calls, likewise.
    pub syscall_callback: u64,
    /// Whether a system call masks events: 0 or 1.
    pub syscall_masks_events: u64,
    /// While a hypercall is served: where it returns to.
    pub return_rip: u64,
    /// While a hypercall is served: its caller's flags.
    pub return_flags: u64,
    /// While a hypercall or a system call is entered: its caller's stack.
    pub stack: u64,
    /// While a fault of the resident itself is looked up: its vector, times 16.
    pub fault: u64,
    /// While an entry is prepared: the handler.
    pub target: u64,
    /// A register's value while it is needed for something else.
    pub scratch: u64,
    /// Where the resident finds `shared_info`.
    pub shared_info: u64,
    /// The vCPU's number, as the records of ports have it: in bits 31:16.
    pub vcpu: u64,
    /// The domain's number.
    pub domain: u64,
    /// Entry point for SYSENTER, if the guest has one: else it is never read.
    pub sysenter_callback: u64,
    /// Whether SYSENTER masks events: 0 or 1.
    pub sysenter_masks_events: u64,
    /// Where a hypercall's handler ends: the resident's tail, or its list of calls.
    pub call_end: u64,
    /// While a list of requests is worked on: its length as the guest gave it.
    pub list_count: u64,
    /// While a list of requests is worked on: how many had been done before it was cut.
    pub list_before: u64,
    /// What a top-level table has in the slots of the hole that are in use.
    pub hole_entries: [u64; HOLE_SLOTS],
    /// While a list of calls is worked on: registers of the guest.
    pub saved: [u64; 5],
    /// While a list of calls is worked on: how many are behind the group that is worked on.
    pub list_behind: u64,
    /// Up to the TSS.
    pub padding2: [u64; 3],
    /// The TSS's first word, which is not used.
    pub padding3: u32,
    /// The task state segment, from here on.
    pub task_reserved: u32,
    /// The stack for entries from user mode: RSP0 of the TSS, and what `stack_switch` sets.
    pub kernel_sp: u64,
    /// RSP1 to I/O map base of the TSS.
    pub task_rest: [u64; 11],
    /// Last words of the TSS: reserved, and the I/O map base above the limit.
    pub task_end: u32,
    /// Fills the word.
    pub padding4: u32,
    /// The stack while the resident reads what a guest's pointer points to, which may fault.
    pub fault_stack: [u64; FAULT_STACK_WORDS],
    /// The resident's handlers of hypercalls, by number.
    pub calls: [u64; CALLS],
    /// Its handlers of hypercalls in a list of calls, by number.
    pub listed_calls: [u64; CALLS],
}

/// Offset of the TSS within [`VcpuData`]; it puts RSP0 on a multiple of 8.
pub const TASK: u64 = 0xfc;

/// Offset of the end of [`VcpuData::fault_stack`].
pub const FAULT_STACK_END: usize =
    core::mem::offset_of!(VcpuData, fault_stack) + FAULT_STACK_WORDS * 8;

const _: () = assert!(PORTS + PORT_BYTES <= TEXT);
const _: () = assert!(core::mem::offset_of!(VcpuData, task_reserved) == 0xfc);
const _: () = assert!(core::mem::offset_of!(VcpuData, kernel_sp) == 0x100);
const _: () = assert!(core::mem::offset_of!(VcpuData, task_end) == 0xfc + 100);
const _: () = assert!(size_of::<VcpuData>() <= 4096);

/// What to do about one vector.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable,
)]
pub struct Trap {
    /// The guest's handler, or 0.
    pub handler: u64,
    /// Whether the entry masks events: 0 or 1.
    pub masks_events: u64,
}

impl Trap {
    /// Makes the entry of a handler with these flags of `trap_info`.
    pub const fn new(handler: u64, flags: u8) -> Self {
        Self { handler, masks_events: (flags & FLAG_MASK_EVENTS != 0) as u64 }
    }
}

/// The guest's handlers by vector.
pub type TrapTable = [Trap; 256];

const _: () = assert!(size_of::<TrapTable>() == 4096);
