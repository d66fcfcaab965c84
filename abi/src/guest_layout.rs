//! The part of every address space that belongs to the hypervisor.
//!
//! Source: `xen/arch-x86/xen-x86_64.h`.

/// The first address of the hypervisor's hole.
pub const HYPERVISOR_VIRT_START: u64 = 0xffff_8000_0000_0000;

/// The first address behind the hypervisor's hole.
pub const HYPERVISOR_VIRT_END: u64 = 0xffff_8800_0000_0000;

/// The first address of the machine-to-physical table.
pub const MACH2PHYS_VIRT_START: u64 = 0xffff_8000_0000_0000;

/// The first address behind the room for that table.
pub const MACH2PHYS_VIRT_END: u64 = 0xffff_8040_0000_0000;

/// Entries of eight bytes for which there is room.
pub const MACH2PHYS_NR_ENTRIES: u64 = 0x8_0000_0000;

/// The first slot of a top-level page table that belongs to the hypervisor.
pub const HYPERVISOR_L4_FIRST: usize = 256;

/// The first slot behind those.
pub const HYPERVISOR_L4_END: usize = 272;
