//! Exception handlers, and the frame of the `iret` hypercall.
//!
//! Source: `xen/arch-x86/xen.h`, `xen/arch-x86/xen-x86_64.h`.

use core::mem::offset_of;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Bits of [`TrapInfo::flags`]: the privilege level that may raise the vector by `int`.
#[doc(alias = "TI_GET_DPL")]
pub const FLAG_DPL_MASK: u8 = 3;

/// Bit of [`TrapInfo::flags`]: events are masked on entry.
#[doc(alias = "TI_GET_IF")]
pub const FLAG_MASK_EVENTS: u8 = 4;

/// The handler of one vector; a list ends with an `address` of 0.
#[doc(alias = "trap_info")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct TrapInfo {
    /// The vector.
    pub vector: u8,
    /// [`FLAG_DPL_MASK`] and [`FLAG_MASK_EVENTS`].
    pub flags: u8,
    /// Code selector of the handler.
    pub cs: u16,
    /// Padding.
    pub padding: u32,
    /// Entry point of the handler.
    pub address: u64,
}
const _: () = assert!(size_of::<TrapInfo>() == 16);
const _: () = assert!(offset_of!(TrapInfo, flags) == 1);
const _: () = assert!(offset_of!(TrapInfo, cs) == 2);
const _: () = assert!(offset_of!(TrapInfo, address) == 8);

/// The frame at rsp when the `iret` hypercall is made.
#[doc(alias = "iret_context")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct IretContext {
    /// Value of rax.
    pub rax: u64,
    /// Value of r11, unless returning as from `syscall`.
    pub r11: u64,
    /// Value of rcx, unless returning as from `syscall`.
    pub rcx: u64,
    /// Zero or [`crate::guest_context::VGCF_IN_SYSCALL`].
    pub flags: u64,
    /// Where to continue.
    pub rip: u64,
    /// Code selector.
    pub cs: u64,
    /// Flags, whose interrupt flag is the inverse of the new event mask.
    pub rflags: u64,
    /// Stack pointer.
    pub rsp: u64,
    /// Stack selector.
    pub ss: u64,
}
const _: () = assert!(size_of::<IretContext>() == 72);
const _: () = assert!(offset_of!(IretContext, r11) == 8);
const _: () = assert!(offset_of!(IretContext, rcx) == 16);
const _: () = assert!(offset_of!(IretContext, flags) == 24);
const _: () = assert!(offset_of!(IretContext, rip) == 32);
const _: () = assert!(offset_of!(IretContext, cs) == 40);
const _: () = assert!(offset_of!(IretContext, rflags) == 48);
const _: () = assert!(offset_of!(IretContext, rsp) == 56);
const _: () = assert!(offset_of!(IretContext, ss) == 64);
