//! The time record that the hypervisor keeps for each vCPU.
//!
//! Source: `xen/xen.h`. Between two reads of the same even `version`, system time is
//! `system_time + (((tsc - tsc_timestamp) << tsc_shift) * tsc_to_system_mul >> 32)` nanoseconds.

use core::mem::offset_of;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Bit in `flags`: the records of all vCPUs agree.
#[doc(alias = "XEN_PVCLOCK_TSC_STABLE_BIT")]
pub const TSC_STABLE: u8 = 1 << 0;

/// Bit in `flags`: the guest was stopped by the host.
#[doc(alias = "XEN_PVCLOCK_GUEST_STOPPED")]
pub const GUEST_STOPPED: u8 = 1 << 1;

/// What turns the time-stamp counter into system time.
#[doc(alias = "vcpu_time_info")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct VcpuTimeInfo {
    /// Odd while an update is in progress.
    pub version: u32,
    /// Not used.
    pub pad0: u32,
    /// The counter at the last update.
    pub tsc_timestamp: u64,
    /// Nanoseconds since boot at the last update.
    pub system_time: u64,
    /// Nanoseconds per shifted tick, as a fraction of 2^32.
    pub tsc_to_system_mul: u32,
    /// Left shift of ticks, or right shift when negative.
    pub tsc_shift: i8,
    /// [`TSC_STABLE`] and [`GUEST_STOPPED`].
    pub flags: u8,
    /// Not used.
    pub pad1: [u8; 2],
}
const _: () = assert!(size_of::<VcpuTimeInfo>() == 32);
const _: () = assert!(offset_of!(VcpuTimeInfo, pad0) == 4);
const _: () = assert!(offset_of!(VcpuTimeInfo, tsc_timestamp) == 8);
const _: () = assert!(offset_of!(VcpuTimeInfo, system_time) == 16);
const _: () = assert!(offset_of!(VcpuTimeInfo, tsc_to_system_mul) == 24);
const _: () = assert!(offset_of!(VcpuTimeInfo, tsc_shift) == 28);
const _: () = assert!(offset_of!(VcpuTimeInfo, flags) == 29);
const _: () = assert!(offset_of!(VcpuTimeInfo, pad1) == 30);
