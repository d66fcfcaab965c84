//! The sub-operations of `sched_op`.
//!
//! Source: `xen/sched.h`.

use core::mem::offset_of;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Gives up the CPU and stays runnable; no argument.
#[doc(alias = "SCHEDOP_yield")]
pub const YIELD: u32 = 0;

/// Unmasks events and waits for one; no argument.
#[doc(alias = "SCHEDOP_block")]
pub const BLOCK: u32 = 1;

/// Ends the calling domain; takes a [`Shutdown`].
#[doc(alias = "SCHEDOP_shutdown")]
pub const SHUTDOWN: u32 = 2;

/// Waits for one of several ports; takes a [`Poll`].
#[doc(alias = "SCHEDOP_poll")]
pub const POLL: u32 = 3;

/// Ends another domain; takes a [`RemoteShutdown`].
#[doc(alias = "SCHEDOP_remote_shutdown")]
pub const REMOTE_SHUTDOWN: u32 = 4;

/// Announces the reason of a later shutdown; takes a [`Shutdown`].
#[doc(alias = "SCHEDOP_shutdown_code")]
pub const SHUTDOWN_CODE: u32 = 5;

/// Sets or feeds a watchdog; takes a [`Watchdog`].
#[doc(alias = "SCHEDOP_watchdog")]
pub const WATCHDOG: u32 = 6;

/// Pins the vCPU to a physical CPU, for a privileged domain.
#[doc(alias = "SCHEDOP_pin_override")]
pub const PIN_OVERRIDE: u32 = 7;

/// The domain ended by its own will.
#[doc(alias = "SHUTDOWN_poweroff")]
pub const SHUTDOWN_POWEROFF: u32 = 0;

/// The domain wants to be started again.
#[doc(alias = "SHUTDOWN_reboot")]
pub const SHUTDOWN_REBOOT: u32 = 1;

/// The domain wants to be saved.
#[doc(alias = "SHUTDOWN_suspend")]
pub const SHUTDOWN_SUSPEND: u32 = 2;

/// The domain has crashed.
#[doc(alias = "SHUTDOWN_crash")]
pub const SHUTDOWN_CRASH: u32 = 3;

/// The domain's watchdog expired.
#[doc(alias = "SHUTDOWN_watchdog")]
pub const SHUTDOWN_WATCHDOG: u32 = 4;

/// The domain wants its connections reset while its memory stays.
#[doc(alias = "SHUTDOWN_soft_reset")]
pub const SHUTDOWN_SOFT_RESET: u32 = 5;

/// The highest reason.
pub const SHUTDOWN_MAX: u32 = 5;

/// Argument of [`SHUTDOWN`] and [`SHUTDOWN_CODE`].
#[doc(alias = "sched_shutdown")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Shutdown {
    /// One of the `SHUTDOWN_*` reasons.
    pub reason: u32,
}
const _: () = assert!(size_of::<Shutdown>() == 4);

/// Argument of [`POLL`].
#[doc(alias = "sched_poll")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Poll {
    /// Address of an array of ports, each a `u32`.
    pub ports: u64,
    /// Number of ports.
    pub nr_ports: u32,
    /// Padding.
    pub padding: u32,
    /// Absolute system time in nanoseconds, or 0 for none.
    pub timeout: u64,
}
const _: () = assert!(size_of::<Poll>() == 24);
const _: () = assert!(offset_of!(Poll, nr_ports) == 8);
const _: () = assert!(offset_of!(Poll, timeout) == 16);

/// Argument of [`REMOTE_SHUTDOWN`].
#[doc(alias = "sched_remote_shutdown")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct RemoteShutdown {
    /// The domain to end.
    pub domain_id: u16,
    /// Padding.
    pub padding: u16,
    /// One of the `SHUTDOWN_*` reasons.
    pub reason: u32,
}
const _: () = assert!(size_of::<RemoteShutdown>() == 8);
const _: () = assert!(offset_of!(RemoteShutdown, reason) == 4);

/// Argument of [`WATCHDOG`].
#[doc(alias = "sched_watchdog")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Watchdog {
    /// The watchdog, or 0 to allocate one.
    pub id: u32,
    /// Seconds until it expires, or 0 to stop it.
    pub timeout: u32,
}
const _: () = assert!(size_of::<Watchdog>() == 8);
const _: () = assert!(offset_of!(Watchdog, timeout) == 4);

/// Argument of [`PIN_OVERRIDE`].
#[doc(alias = "sched_pin_override")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct PinOverride {
    /// The physical CPU, or a negative number to undo the pinning.
    pub pcpu: i32,
}
const _: () = assert!(size_of::<PinOverride>() == 4);
