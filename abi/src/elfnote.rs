//! The types of the ELF notes, with owner name "Xen", that describe a guest kernel.
//!
//! Source: `xen/elfnote.h`. Unless stated otherwise a note's descriptor is a number.

/// Free-form information.
#[doc(alias = "XEN_ELFNOTE_INFO")]
pub const INFO: u32 = 0;

/// The entry point, a virtual address.
#[doc(alias = "XEN_ELFNOTE_ENTRY")]
pub const ENTRY: u32 = 1;

/// The virtual address of the page to fill with hypercall stubs.
#[doc(alias = "XEN_ELFNOTE_HYPERCALL_PAGE")]
pub const HYPERCALL_PAGE: u32 = 2;

/// The virtual address at which guest-physical zero, plus the offset, appears.
#[doc(alias = "XEN_ELFNOTE_VIRT_BASE")]
pub const VIRT_BASE: u32 = 3;

/// What to subtract from a segment's physical address.
#[doc(alias = "XEN_ELFNOTE_PADDR_OFFSET")]
pub const PADDR_OFFSET: u32 = 4;

/// The interface that the kernel wants, as text: "xen-3.0".
#[doc(alias = "XEN_ELFNOTE_XEN_VERSION")]
pub const XEN_VERSION: u32 = 5;

/// The name of the kernel, as text.
#[doc(alias = "XEN_ELFNOTE_GUEST_OS")]
pub const GUEST_OS: u32 = 6;

/// The version of the kernel, as text.
#[doc(alias = "XEN_ELFNOTE_GUEST_VERSION")]
pub const GUEST_VERSION: u32 = 7;

/// The loader that the kernel wants, as text: "generic".
#[doc(alias = "XEN_ELFNOTE_LOADER")]
pub const LOADER: u32 = 8;

/// Whether a 32-bit kernel supports PAE, as text.
#[doc(alias = "XEN_ELFNOTE_PAE_MODE")]
pub const PAE_MODE: u32 = 9;

/// The features that the kernel supports and, after '!', requires, as text.
#[doc(alias = "XEN_ELFNOTE_FEATURES")]
pub const FEATURES: u32 = 10;

/// Whether the symbol table is to be loaded, as text.
#[doc(alias = "XEN_ELFNOTE_BSD_SYMTAB")]
pub const BSD_SYMTAB: u32 = 11;

/// The lowest address at which the hypervisor's hole may begin.
#[doc(alias = "XEN_ELFNOTE_HV_START_LOW")]
pub const HV_START_LOW: u32 = 12;

/// Mask and value that tell which non-present entries hold a frame number.
#[doc(alias = "XEN_ELFNOTE_L1_MFN_VALID")]
pub const L1_MFN_VALID: u32 = 13;

/// Whether a suspension may be cancelled.
#[doc(alias = "XEN_ELFNOTE_SUSPEND_CANCEL")]
pub const SUSPEND_CANCEL: u32 = 14;

/// The virtual address at which the physical-to-machine list is wanted.
#[doc(alias = "XEN_ELFNOTE_INIT_P2M")]
pub const INIT_P2M: u32 = 15;

/// Whether the module may be passed by frame number, unmapped.
#[doc(alias = "XEN_ELFNOTE_MOD_START_PFN")]
pub const MOD_START_PFN: u32 = 16;

/// The features that the kernel supports, as a bitmap.
#[doc(alias = "XEN_ELFNOTE_SUPPORTED_FEATURES")]
pub const SUPPORTED_FEATURES: u32 = 17;

/// The physical entry point in 32-bit protected mode, for PVH.
#[doc(alias = "XEN_ELFNOTE_PHYS32_ENTRY")]
pub const PHYS32_ENTRY: u32 = 18;

/// The highest type.
#[doc(alias = "XEN_ELFNOTE_MAX")]
pub const MAX: u32 = 18;
