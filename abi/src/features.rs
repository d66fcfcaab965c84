//! Bit numbers in the feature bitmap of [`crate::version::GET_FEATURES`].
//!
//! Source: `xen/features.h`. All are in submap 0.

/// The guest may write its page tables directly.
#[doc(alias = "XENFEAT_writable_page_tables")]
pub const WRITABLE_PAGE_TABLES: u32 = 0;

/// The guest may write its descriptor tables directly.
#[doc(alias = "XENFEAT_writable_descriptor_tables")]
pub const WRITABLE_DESCRIPTOR_TABLES: u32 = 1;

/// The guest's frame numbers are translated for it.
#[doc(alias = "XENFEAT_auto_translated_physmap")]
pub const AUTO_TRANSLATED_PHYSMAP: u32 = 2;

/// The guest kernel runs in ring 0.
#[doc(alias = "XENFEAT_supervisor_mode_kernel")]
pub const SUPERVISOR_MODE_KERNEL: u32 = 3;

/// A page directory may lie above 4 GiB.
#[doc(alias = "XENFEAT_pae_pgdir_above_4gb")]
pub const PAE_PGDIR_ABOVE_4GB: u32 = 4;

/// [`crate::mmu::PT_UPDATE_PRESERVE_AD`] is supported.
#[doc(alias = "XENFEAT_mmu_pt_update_preserve_ad")]
pub const MMU_PT_UPDATE_PRESERVE_AD: u32 = 5;

/// [`crate::mmu::CLEAR_PAGE`] and [`crate::mmu::COPY_PAGE`] are supported.
#[doc(alias = "XENFEAT_highmem_assist")]
pub const HIGHMEM_ASSIST: u32 = 6;

/// A grant mapping may set the available bits of its page-table entry.
#[doc(alias = "XENFEAT_gnttab_map_avail_bits")]
pub const GNTTAB_MAP_AVAIL_BITS: u32 = 7;

/// Events may arrive as an interrupt vector.
#[doc(alias = "XENFEAT_hvm_callback_vector")]
pub const HVM_CALLBACK_VECTOR: u32 = 8;

/// The paravirtual clock is safe in a fully virtualised domain.
#[doc(alias = "XENFEAT_hvm_safe_pvclock")]
pub const HVM_SAFE_PVCLOCK: u32 = 9;

/// A fully virtualised domain may use physical interrupts.
#[doc(alias = "XENFEAT_hvm_pirqs")]
pub const HVM_PIRQS: u32 = 10;

/// The kernel can run as the control domain.
#[doc(alias = "XENFEAT_dom0")]
pub const DOM0: u32 = 11;

/// Memory operations may name a virtual node.
#[doc(alias = "XENFEAT_memory_op_vnode_supported")]
pub const MEMORY_OP_VNODE_SUPPORTED: u32 = 13;

/// ARM only: the SMC calling convention is supported.
#[doc(alias = "XENFEAT_ARM_SMCCC_supported")]
pub const ARM_SMCCC_SUPPORTED: u32 = 14;

/// The kernel finds the ACPI root pointer anywhere.
#[doc(alias = "XENFEAT_linux_rsdp_unrestricted")]
pub const LINUX_RSDP_UNRESTRICTED: u32 = 15;

/// Guest frame numbers differ from machine frame numbers.
#[doc(alias = "XENFEAT_not_direct_mapped")]
pub const NOT_DIRECT_MAPPED: u32 = 16;

/// Guest frame numbers equal machine frame numbers.
#[doc(alias = "XENFEAT_direct_mapped")]
pub const DIRECT_MAPPED: u32 = 17;

/// Words in the bitmap.
#[doc(alias = "XENFEAT_NR_SUBMAPS")]
pub const NR_SUBMAPS: u32 = 1;
