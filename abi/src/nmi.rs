//! The sub-operations of `nmi_op`, and the reasons of a non-maskable interrupt.
//!
//! Source: `xen/nmi.h`.

use core::mem::offset_of;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Sets the handler of the calling vCPU; takes a [`Callback`].
#[doc(alias = "XENNMI_register_callback")]
pub const REGISTER_CALLBACK: u32 = 0;

/// Removes the handler of the calling vCPU; no argument.
#[doc(alias = "XENNMI_unregister_callback")]
pub const UNREGISTER_CALLBACK: u32 = 1;

/// Bit in [`crate::shared_info::ArchSharedInfo::nmi_reason`]: an I/O check error.
#[doc(alias = "XEN_NMIREASON_io_error")]
pub const REASON_IO_ERROR: u64 = 1 << 0;

/// Bit in the same word: a PCI system error.
#[doc(alias = "XEN_NMIREASON_pci_serr")]
pub const REASON_PCI_SERR: u64 = 1 << 1;

/// Bit in the same word: the source is not known.
#[doc(alias = "XEN_NMIREASON_unknown")]
pub const REASON_UNKNOWN: u64 = 1 << 2;

/// Argument of [`REGISTER_CALLBACK`].
#[doc(alias = "xennmi_callback")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Callback {
    /// Entry point of the handler.
    pub handler_address: u64,
    /// Not used.
    pub pad: u64,
}
const _: () = assert!(size_of::<Callback>() == 16);
const _: () = assert!(offset_of!(Callback, pad) == 8);
