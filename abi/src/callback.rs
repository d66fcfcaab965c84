//! The sub-operations of `callback_op`, and the kinds of callback.
//!
//! Source: `xen/callback.h`.

use core::mem::offset_of;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Sets a callback; takes a [`Register`].
#[doc(alias = "CALLBACKOP_register")]
pub const REGISTER: u32 = 0;

/// Removes a callback; takes an [`Unregister`].
#[doc(alias = "CALLBACKOP_unregister")]
pub const UNREGISTER: u32 = 1;

/// Entered when an event is delivered.
#[doc(alias = "CALLBACKTYPE_event")]
pub const TYPE_EVENT: u16 = 0;

/// Entered when the guest's segments cannot be loaded.
#[doc(alias = "CALLBACKTYPE_failsafe")]
pub const TYPE_FAILSAFE: u16 = 1;

/// Entered by `syscall` from 64-bit user mode.
#[doc(alias = "CALLBACKTYPE_syscall")]
pub const TYPE_SYSCALL: u16 = 2;

/// The former number of [`TYPE_SYSENTER`].
#[doc(alias = "CALLBACKTYPE_sysenter_deprecated")]
pub const TYPE_SYSENTER_DEPRECATED: u16 = 3;

/// Entered by a non-maskable interrupt.
#[doc(alias = "CALLBACKTYPE_nmi")]
pub const TYPE_NMI: u16 = 4;

/// Entered by `sysenter` from user mode.
#[doc(alias = "CALLBACKTYPE_sysenter")]
pub const TYPE_SYSENTER: u16 = 5;

/// Entered by `syscall` from 32-bit user mode.
#[doc(alias = "CALLBACKTYPE_syscall32")]
pub const TYPE_SYSCALL32: u16 = 7;

/// Events are masked on entry.
#[doc(alias = "CALLBACKF_mask_events")]
pub const FLAG_MASK_EVENTS: u16 = 1 << 0;

/// Argument of [`REGISTER`].
#[doc(alias = "callback_register")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Register {
    /// One of the `TYPE_*` kinds.
    #[doc(alias = "type")]
    pub type_: u16,
    /// Zero or [`FLAG_MASK_EVENTS`].
    pub flags: u16,
    /// Padding.
    pub padding: u32,
    /// Entry point.
    pub address: u64,
}
const _: () = assert!(size_of::<Register>() == 16);
const _: () = assert!(offset_of!(Register, flags) == 2);
const _: () = assert!(offset_of!(Register, address) == 8);

/// Argument of [`UNREGISTER`].
#[doc(alias = "callback_unregister")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Unregister {
    /// One of the `TYPE_*` kinds.
    #[doc(alias = "type")]
    pub type_: u16,
    /// Not used.
    #[doc(alias = "_unused")]
    pub unused: u16,
}
const _: () = assert!(size_of::<Unregister>() == 4);
const _: () = assert!(offset_of!(Unregister, unused) == 2);
