//! Page-table operations: `mmu_update`, `update_va_mapping` and `mmuext_op`.
//!
//! Source: `xen/xen.h`.

use core::mem::offset_of;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Low bits of [`MmuUpdate::ptr`]: write a page-table entry.
#[doc(alias = "MMU_NORMAL_PT_UPDATE")]
pub const NORMAL_PT_UPDATE: u64 = 0;

/// Low bits of [`MmuUpdate::ptr`]: write the machine-to-physical entry of a frame.
#[doc(alias = "MMU_MACHPHYS_UPDATE")]
pub const MACHPHYS_UPDATE: u64 = 1;

/// Low bits of [`MmuUpdate::ptr`]: write an entry but keep accessed and dirty.
#[doc(alias = "MMU_PT_UPDATE_PRESERVE_AD")]
pub const PT_UPDATE_PRESERVE_AD: u64 = 2;

/// Low bits of [`MmuUpdate::ptr`]: write an entry that is never translated.
#[doc(alias = "MMU_PT_UPDATE_NO_TRANSLATE")]
pub const PT_UPDATE_NO_TRANSLATE: u64 = 3;

/// Pins a frame as a page table of level 1.
#[doc(alias = "MMUEXT_PIN_L1_TABLE")]
pub const PIN_L1_TABLE: u32 = 0;

/// Pins a frame as a page table of level 2.
#[doc(alias = "MMUEXT_PIN_L2_TABLE")]
pub const PIN_L2_TABLE: u32 = 1;

/// Pins a frame as a page table of level 3.
#[doc(alias = "MMUEXT_PIN_L3_TABLE")]
pub const PIN_L3_TABLE: u32 = 2;

/// Pins a frame as a top-level page table.
#[doc(alias = "MMUEXT_PIN_L4_TABLE")]
pub const PIN_L4_TABLE: u32 = 3;

/// Unpins a page table.
#[doc(alias = "MMUEXT_UNPIN_TABLE")]
pub const UNPIN_TABLE: u32 = 4;

/// Loads a top-level page table.
#[doc(alias = "MMUEXT_NEW_BASEPTR")]
pub const NEW_BASEPTR: u32 = 5;

/// Flushes the translations of the calling vCPU.
#[doc(alias = "MMUEXT_TLB_FLUSH_LOCAL")]
pub const TLB_FLUSH_LOCAL: u32 = 6;

/// Flushes one translation of the calling vCPU.
#[doc(alias = "MMUEXT_INVLPG_LOCAL")]
pub const INVLPG_LOCAL: u32 = 7;

/// Flushes the translations of a set of vCPUs.
#[doc(alias = "MMUEXT_TLB_FLUSH_MULTI")]
pub const TLB_FLUSH_MULTI: u32 = 8;

/// Flushes one translation of a set of vCPUs.
#[doc(alias = "MMUEXT_INVLPG_MULTI")]
pub const INVLPG_MULTI: u32 = 9;

/// Flushes the translations of all vCPUs.
#[doc(alias = "MMUEXT_TLB_FLUSH_ALL")]
pub const TLB_FLUSH_ALL: u32 = 10;

/// Flushes one translation of all vCPUs.
#[doc(alias = "MMUEXT_INVLPG_ALL")]
pub const INVLPG_ALL: u32 = 11;

/// Writes back and invalidates the caches.
#[doc(alias = "MMUEXT_FLUSH_CACHE")]
pub const FLUSH_CACHE: u32 = 12;

/// Sets the local descriptor table.
#[doc(alias = "MMUEXT_SET_LDT")]
pub const SET_LDT: u32 = 13;

/// Sets the top-level page table of user mode.
#[doc(alias = "MMUEXT_NEW_USER_BASEPTR")]
pub const NEW_USER_BASEPTR: u32 = 15;

/// Clears a frame.
#[doc(alias = "MMUEXT_CLEAR_PAGE")]
pub const CLEAR_PAGE: u32 = 16;

/// Copies a frame.
#[doc(alias = "MMUEXT_COPY_PAGE")]
pub const COPY_PAGE: u32 = 17;

/// Writes back and invalidates the caches of all CPUs.
#[doc(alias = "MMUEXT_FLUSH_CACHE_GLOBAL")]
pub const FLUSH_CACHE_GLOBAL: u32 = 18;

/// Marks a frame as the start of a superpage.
#[doc(alias = "MMUEXT_MARK_SUPER")]
pub const MARK_SUPER: u32 = 19;

/// Undoes [`MARK_SUPER`].
#[doc(alias = "MMUEXT_UNMARK_SUPER")]
pub const UNMARK_SUPER: u32 = 20;

/// `update_va_mapping`: no flush.
pub const UVMF_NONE: u64 = 0;

/// `update_va_mapping`: flush everything.
pub const UVMF_TLB_FLUSH: u64 = 1;

/// `update_va_mapping`: flush the one address.
pub const UVMF_INVLPG: u64 = 2;

/// `update_va_mapping`: the bits that say what to flush.
pub const UVMF_FLUSHTYPE_MASK: u64 = 3;

/// `update_va_mapping`: flush on the vCPUs of the bitmap whose address is or'ed in.
pub const UVMF_MULTI: u64 = 0;

/// `update_va_mapping`: flush on the calling vCPU.
pub const UVMF_LOCAL: u64 = 0;

/// `update_va_mapping`: flush on all vCPUs.
pub const UVMF_ALL: u64 = 1 << 2;

/// One entry of an `mmu_update` list.
#[doc(alias = "mmu_update")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct MmuUpdate {
    /// Machine address of the entry, with the kind of update in bits 0 and 1.
    pub ptr: u64,
    /// The entry's new value, or a guest frame for [`MACHPHYS_UPDATE`].
    pub val: u64,
}
const _: () = assert!(size_of::<MmuUpdate>() == 16);
const _: () = assert!(offset_of!(MmuUpdate, val) == 8);

/// One entry of an `mmuext_op` list.
#[doc(alias = "mmuext_op")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct MmuextOp {
    /// The operation, [`PIN_L1_TABLE`] to [`UNMARK_SUPER`].
    pub cmd: u32,
    /// Padding.
    pub padding: u32,
    /// A frame, or a linear address.
    #[doc(alias = "arg1.mfn")]
    #[doc(alias = "arg1.linear_addr")]
    pub arg1: u64,
    /// A count in the low 32 bits, the address of a vCPU bitmap, or a source frame.
    #[doc(alias = "arg2.vcpumask")]
    #[doc(alias = "arg2.src_mfn")]
    pub arg2: u64,
}
const _: () = assert!(size_of::<MmuextOp>() == 24);
const _: () = assert!(offset_of!(MmuextOp, arg1) == 8);
const _: () = assert!(offset_of!(MmuextOp, arg2) == 16);
