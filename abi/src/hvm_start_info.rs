//! What a loader of the PVH protocol passes in EBX: start information, modules, memory map.
//!
//! Source: `xen/arch-x86/hvm/start_info.h`. All addresses are physical.

use core::mem::offset_of;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The first word of [`StartInfo`].
#[doc(alias = "XEN_HVM_START_MAGIC_VALUE")]
pub const MAGIC: u32 = 0x336e_c578;

/// Kind of a range of memory: usable. The others are those of E820 as well.
#[doc(alias = "XEN_HVM_MEMMAP_TYPE_RAM")]
pub const MEMMAP_TYPE_RAM: u32 = 1;

/// The start information.
#[doc(alias = "hvm_start_info")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct StartInfo {
    /// [`MAGIC`].
    pub magic: u32,
    /// Version of the structure; from 1 on it has a memory map.
    pub version: u32,
    /// Flags as in [`crate::start_info`].
    pub flags: u32,
    /// Entries in the list of modules.
    pub nr_modules: u32,
    /// Address of that list of [`Module`].
    pub modlist_paddr: u64,
    /// Address of the command line, or 0.
    pub cmdline_paddr: u64,
    /// Address of ACPI's root pointer, or 0.
    pub rsdp_paddr: u64,
    /// Address of the memory map, a list of [`MemoryRange`].
    pub memmap_paddr: u64,
    /// Entries in the memory map.
    pub memmap_entries: u32,
    /// Zero.
    pub reserved: u32,
}
const _: () = assert!(size_of::<StartInfo>() == 56);
const _: () = assert!(offset_of!(StartInfo, modlist_paddr) == 16);
const _: () = assert!(offset_of!(StartInfo, memmap_paddr) == 40);

/// A module.
#[doc(alias = "hvm_modlist_entry")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Module {
    /// Its address.
    pub paddr: u64,
    /// Its size in bytes.
    pub size: u64,
    /// Address of its command line, or 0.
    pub cmdline_paddr: u64,
    /// Zero.
    pub reserved: u64,
}
const _: () = assert!(size_of::<Module>() == 32);

/// A range of the memory map.
#[doc(alias = "hvm_memmap_table_entry")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct MemoryRange {
    /// Its address.
    pub addr: u64,
    /// Its size in bytes.
    pub size: u64,
    /// Its kind.
    #[doc(alias = "type")]
    pub type_: u32,
    /// Zero.
    pub reserved: u32,
}
const _: () = assert!(size_of::<MemoryRange>() == 24);
