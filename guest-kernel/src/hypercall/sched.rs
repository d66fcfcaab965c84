//! `sched_op`: giving up the CPU, and the domain's end.

use xenolith_abi::{hypercall, sched};

use super::{Errno, address_of, call};
use crate::{events::Port, time::SystemTime};

/// How a domain ends (`xen/public/sched.h`, `SHUTDOWN_*`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ShutdownReason(pub u32);

impl ShutdownReason {
    /// The kernel is done.
    pub const POWEROFF: Self = Self(sched::SHUTDOWN_POWEROFF);
    /// The domain wants to start again.
    pub const REBOOT: Self = Self(sched::SHUTDOWN_REBOOT);
    /// The domain wants to be saved.
    pub const SUSPEND: Self = Self(sched::SHUTDOWN_SUSPEND);
    /// The kernel cannot go on.
    pub const CRASH: Self = Self(sched::SHUTDOWN_CRASH);
    /// A watchdog ran out.
    pub const WATCHDOG: Self = Self(sched::SHUTDOWN_WATCHDOG);
    /// The domain wants to start again in its own memory.
    pub const SOFT_RESET: Self = Self(sched::SHUTDOWN_SOFT_RESET);
}

/// Lets others run.
///
/// # Errors
///
/// None are documented.
pub fn yield_now() -> Result<(), Errno> {
    // SAFETY: the call touches no memory.
    unsafe { call::<{ hypercall::SCHED_OP }>([sched::YIELD.into(), 0, 0]) }.map(drop)
}

/// Enables events and waits for one; returns behind its upcall.
///
/// # Errors
///
/// `ENOSYS` where the hypervisor cannot wait.
pub fn block() -> Result<(), Errno> {
    // SAFETY: the call touches no memory but the event mask.
    unsafe { call::<{ hypercall::SCHED_OP }>([sched::BLOCK.into(), 0, 0]) }.map(drop)
}

/// Waits until one of `ports` has an event, masked or not, or until `deadline`; leaves the event
/// mask and the events alone.
///
/// # Errors
///
/// `EINVAL` for more than 128 ports or one that does not exist.
pub fn poll(ports: &[Port], deadline: Option<SystemTime>) -> Result<(), Errno> {
    let argument = sched::Poll {
        ports: address_of(ports),
        nr_ports: u32::try_from(ports.len()).unwrap_or(u32::MAX),
        padding: 0,
        timeout: deadline.map_or(0, SystemTime::ns),
    };
    let address = address_of(&raw const argument);
    // SAFETY: the call reads its argument and the ports.
    unsafe { call::<{ hypercall::SCHED_OP }>([sched::POLL.into(), address, 0]) }.map(drop)
}

/// Starts, feeds or stops a watchdog: `id` 0 for a new one, `seconds` 0 to stop one. Returns its
/// number.
///
/// # Errors
///
/// `EINVAL` for an unknown watchdog, `ENOSPC` where there are too many.
pub fn watchdog(id: u32, seconds: u32) -> Result<u64, Errno> {
    let argument = sched::Watchdog { id, timeout: seconds };
    let address = address_of(&raw const argument);
    // SAFETY: the call reads its argument.
    unsafe { call::<{ hypercall::SCHED_OP }>([sched::WATCHDOG.into(), address, 0]) }
}

/// Ends the domain.
pub fn shutdown(reason: ShutdownReason) -> ! {
    let argument = sched::Shutdown { reason: reason.0 };
    let address = address_of(&raw const argument);
    loop {
        // SAFETY: the call reads its argument; the kernel relies on nothing afterwards.
        let _ = unsafe { call::<{ hypercall::SCHED_OP }>([sched::SHUTDOWN.into(), address, 0]) };
    }
}
