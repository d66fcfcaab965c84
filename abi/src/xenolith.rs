//! What Xenolith adds to the ABI; nothing here has a Xen header.
//!
//! A guest finds the extensions by the signature in CPUID leaf [`CPUID_BASE`]; `docs/abi.md`
//! specifies them.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Base: eax is the highest extension leaf, ebx, ecx and edx are the signature.
pub const CPUID_BASE: u32 = 0x4000_0100;

/// Features: eax is [`EXTENSION_VERSION`], ebx the number of [`OP`], ecx [`EXIT_REASON_SLOTS`],
/// edx [`NO_RESTART`].
pub const CPUID_FEATURES: u32 = 0x4000_0101;

/// The highest extension leaf.
pub const CPUID_MAX: u32 = 0x4000_0101;

/// The signature: ebx, ecx and edx of [`CPUID_BASE`], least significant byte first.
pub const CPUID_SIGNATURE: [u8; 12] = *b"XenolithXeno";

/// The version of the extensions, raised when one is added.
pub const EXTENSION_VERSION: u32 = 3;

/// The hypercall of the extensions: the last architecture-specific number.
pub const OP: u32 = 55;

/// Bit of a hypercall's number: where the call would be cut and restarted, it returns `-EAGAIN`
/// instead, with the argument registers updated. It reaches stubs 64 to 127 of the hypercall page.
pub const NO_RESTART: u32 = 1 << 6;

/// Sub-operation of [`OP`]: copies out how often each exit reason occurred.
pub const EXIT_COUNTS: u32 = 0;

/// Sub-operation of [`OP`]: raises an event at a port after a number of ticks.
pub const EVENT_AFTER: u32 = 1;

/// Sub-operation of [`OP`]: ends what [`EVENT_AFTER`] began, and tells where the event came.
pub const EVENT_ARRIVAL: u32 = 2;

/// Ticks of the TSC that [`EVENT_AFTER`] waits, at most.
pub const MAX_EVENT_TICKS: u32 = 1 << 24;

/// Where an event came ([`EVENT_ARRIVAL`]).
#[derive(
    Clone, Copy, Debug, Default, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable,
)]
#[repr(C)]
pub struct EventArrival {
    /// Address of the instruction that would have been next.
    pub rip: u64,
    /// Address of the resident's code, which begins with its header.
    pub resident: u64,
    /// The byte `evtchn_upcall_mask` when it came.
    pub mask: u64,
}
const _: () = assert!(size_of::<EventArrival>() == 24);

/// Counters that [`EXIT_COUNTS`] has at most, one for each basic exit reason.
pub const EXIT_REASON_SLOTS: usize = 80;

/// The kernel's code selector: ring 0, 64 bits, flat.
pub const KERNEL_CS: u16 = 0xe050;

/// The kernel's stack selector: ring 0, flat.
pub const KERNEL_SS: u16 = 0xe058;
