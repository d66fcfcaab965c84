//! `sched_op`: giving up the CPU, and the domain's end.

use xenolith_abi::{hypercall, sched};

use super::{Errno, address_of, call};

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

/// Ends the domain.
pub fn shutdown(reason: ShutdownReason) -> ! {
    let argument = sched::Shutdown { reason: reason.0 };
    let address = address_of(&raw const argument);
    loop {
        // SAFETY: the call reads its argument; the kernel relies on nothing afterwards.
        let _ = unsafe { call::<{ hypercall::SCHED_OP }>([sched::SHUTDOWN.into(), address, 0]) };
    }
}
