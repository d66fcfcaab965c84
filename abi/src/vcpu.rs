//! The sub-operations of `vcpu_op`, and the run-state record.
//!
//! Source: `xen/vcpu.h`.

use core::mem::offset_of;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Sets the first state of a vCPU; takes a [`crate::guest_context::VcpuGuestContext`].
#[doc(alias = "VCPUOP_initialise")]
pub const INITIALISE: u32 = 0;

/// Starts a vCPU; no argument.
#[doc(alias = "VCPUOP_up")]
pub const UP: u32 = 1;

/// Stops a vCPU; no argument.
#[doc(alias = "VCPUOP_down")]
pub const DOWN: u32 = 2;

/// Returns 1 if the vCPU is started; no argument.
#[doc(alias = "VCPUOP_is_up")]
pub const IS_UP: u32 = 3;

/// Fills a [`RunstateInfo`].
#[doc(alias = "VCPUOP_get_runstate_info")]
pub const GET_RUNSTATE_INFO: u32 = 4;

/// Says where to keep a [`RunstateInfo`]; takes a [`RegisterRunstateMemoryArea`].
#[doc(alias = "VCPUOP_register_runstate_memory_area")]
pub const REGISTER_RUNSTATE_MEMORY_AREA: u32 = 5;

/// Starts the periodic timer; takes a [`SetPeriodicTimer`].
#[doc(alias = "VCPUOP_set_periodic_timer")]
pub const SET_PERIODIC_TIMER: u32 = 6;

/// Stops the periodic timer; no argument.
#[doc(alias = "VCPUOP_stop_periodic_timer")]
pub const STOP_PERIODIC_TIMER: u32 = 7;

/// Starts the one-shot timer; takes a [`SetSingleshotTimer`].
#[doc(alias = "VCPUOP_set_singleshot_timer")]
pub const SET_SINGLESHOT_TIMER: u32 = 8;

/// Stops the one-shot timer; no argument.
#[doc(alias = "VCPUOP_stop_singleshot_timer")]
pub const STOP_SINGLESHOT_TIMER: u32 = 9;

/// Moves the vCPU's record out of the shared page; takes a [`RegisterVcpuInfo`].
#[doc(alias = "VCPUOP_register_vcpu_info")]
pub const REGISTER_VCPU_INFO: u32 = 10;

/// Sends a non-maskable interrupt; no argument.
#[doc(alias = "VCPUOP_send_nmi")]
pub const SEND_NMI: u32 = 11;

/// Fills a [`Physid`] for a pinned vCPU.
#[doc(alias = "VCPUOP_get_physid")]
pub const PHYSID: u32 = 12;

/// Says where to keep a second time record; takes a [`RegisterTimeMemoryArea`].
#[doc(alias = "VCPUOP_register_vcpu_time_memory_area")]
pub const REGISTER_VCPU_TIME_MEMORY_AREA: u32 = 13;

/// The vCPU runs on a physical CPU.
#[doc(alias = "RUNSTATE_running")]
pub const RUNSTATE_RUNNING: i32 = 0;

/// The vCPU could run but has no physical CPU.
#[doc(alias = "RUNSTATE_runnable")]
pub const RUNSTATE_RUNNABLE: i32 = 1;

/// The vCPU waits.
#[doc(alias = "RUNSTATE_blocked")]
pub const RUNSTATE_BLOCKED: i32 = 2;

/// The vCPU is stopped.
#[doc(alias = "RUNSTATE_offline")]
pub const RUNSTATE_OFFLINE: i32 = 3;

/// Bit in [`RunstateInfo::state_entry_time`]: an update is in progress.
#[doc(alias = "XEN_RUNSTATE_UPDATE")]
pub const RUNSTATE_UPDATE: u64 = 1 << 63;

/// Flag of [`SetSingleshotTimer`]: a time that has passed is an error.
#[doc(alias = "VCPU_SSHOTTMR_future")]
pub const SSHOTTMR_FUTURE: u32 = 1 << 0;

/// How long a vCPU was in which state.
#[doc(alias = "vcpu_runstate_info")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct RunstateInfo {
    /// One of the `RUNSTATE_*` states.
    pub state: i32,
    /// Padding.
    pub padding: u32,
    /// System time, in nanoseconds, at which it was entered.
    pub state_entry_time: u64,
    /// Nanoseconds spent in each state.
    pub time: [u64; 4],
}
const _: () = assert!(size_of::<RunstateInfo>() == 48);
const _: () = assert!(offset_of!(RunstateInfo, state_entry_time) == 8);
const _: () = assert!(offset_of!(RunstateInfo, time) == 16);

/// Argument of [`REGISTER_RUNSTATE_MEMORY_AREA`].
#[doc(alias = "vcpu_register_runstate_memory_area")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct RegisterRunstateMemoryArea {
    /// Address of a [`RunstateInfo`].
    #[doc(alias = "addr")]
    #[doc(alias = "addr.h")]
    #[doc(alias = "addr.v")]
    #[doc(alias = "addr.p")]
    pub address: u64,
}
const _: () = assert!(size_of::<RegisterRunstateMemoryArea>() == 8);

/// Argument of [`SET_PERIODIC_TIMER`].
#[doc(alias = "vcpu_set_periodic_timer")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct SetPeriodicTimer {
    /// Nanoseconds between two ticks.
    pub period_ns: u64,
}
const _: () = assert!(size_of::<SetPeriodicTimer>() == 8);

/// Argument of [`SET_SINGLESHOT_TIMER`].
#[doc(alias = "vcpu_set_singleshot_timer")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct SetSingleshotTimer {
    /// System time in nanoseconds.
    pub timeout_abs_ns: u64,
    /// Zero or [`SSHOTTMR_FUTURE`].
    pub flags: u32,
    /// Padding.
    pub padding: u32,
}
const _: () = assert!(size_of::<SetSingleshotTimer>() == 16);
const _: () = assert!(offset_of!(SetSingleshotTimer, flags) == 8);

/// Argument of [`REGISTER_VCPU_INFO`].
#[doc(alias = "vcpu_register_vcpu_info")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct RegisterVcpuInfo {
    /// Frame of the new record.
    pub mfn: u64,
    /// Offset of the record in the frame.
    pub offset: u32,
    /// Not used.
    pub rsvd: u32,
}
const _: () = assert!(size_of::<RegisterVcpuInfo>() == 16);
const _: () = assert!(offset_of!(RegisterVcpuInfo, offset) == 8);
const _: () = assert!(offset_of!(RegisterVcpuInfo, rsvd) == 12);

/// Argument of [`PHYSID`].
#[doc(alias = "vcpu_get_physid")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Physid {
    /// Out: APIC number below, ACPI number in the upper half.
    pub phys_id: u64,
}
const _: () = assert!(size_of::<Physid>() == 8);

/// Argument of [`REGISTER_VCPU_TIME_MEMORY_AREA`].
#[doc(alias = "vcpu_register_time_memory_area")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct RegisterTimeMemoryArea {
    /// Address of a [`crate::time::VcpuTimeInfo`].
    #[doc(alias = "addr")]
    #[doc(alias = "addr.h")]
    #[doc(alias = "addr.v")]
    #[doc(alias = "addr.p")]
    pub address: u64,
}
const _: () = assert!(size_of::<RegisterTimeMemoryArea>() == 8);
