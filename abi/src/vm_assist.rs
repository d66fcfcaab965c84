//! The commands and types of `vm_assist`.
//!
//! Source: `xen/xen.h`.

/// Switches the behaviour on.
#[doc(alias = "VMASST_CMD_enable")]
pub const CMD_ENABLE: u32 = 0;

/// Switches the behaviour off.
#[doc(alias = "VMASST_CMD_disable")]
pub const CMD_DISABLE: u32 = 1;

/// 32-bit guests: emulates segments of the full 4 GiB.
#[doc(alias = "VMASST_TYPE_4gb_segments")]
pub const TYPE_4GB_SEGMENTS: u32 = 0;

/// 32-bit guests: reports each such emulation by vector 15.
#[doc(alias = "VMASST_TYPE_4gb_segments_notify")]
pub const TYPE_4GB_SEGMENTS_NOTIFY: u32 = 1;

/// Direct writes to page tables are emulated.
#[doc(alias = "VMASST_TYPE_writable_pagetables")]
pub const TYPE_WRITABLE_PAGETABLES: u32 = 2;

/// 32-bit guests: page directories may lie above 4 GiB.
#[doc(alias = "VMASST_TYPE_pae_extended_cr3")]
pub const TYPE_PAE_EXTENDED_CR3: u32 = 3;

/// The I/O privilege level shows in the flags of a frame.
#[doc(alias = "VMASST_TYPE_architectural_iopl")]
pub const TYPE_ARCHITECTURAL_IOPL: u32 = 4;

/// An update of a runstate record is marked by [`crate::vcpu::RUNSTATE_UPDATE`].
#[doc(alias = "VMASST_TYPE_runstate_update_flag")]
pub const TYPE_RUNSTATE_UPDATE_FLAG: u32 = 5;

/// The machine-to-physical table is hidden from user mode.
#[doc(alias = "VMASST_TYPE_m2p_strict")]
pub const TYPE_M2P_STRICT: u32 = 32;
