//! The hypercalls that Xen does not have (`docs/abi.md`, extensions).

use xenolith_abi::xenolith;

use super::{Errno, address_of, call};
use crate::events::Port;

/// How often this domain has left its container, by exit reason (SDM 3D, appendix C).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ExitCounts([u64; xenolith::EXIT_REASON_SLOTS]);

impl ExitCounts {
    /// Returns the count of one reason, zero for a reason there is no slot for.
    pub fn of(&self, reason: usize) -> u64 {
        self.0.get(reason).copied().unwrap_or(0)
    }

    /// Returns the count of all reasons together.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Returns the reasons that occurred, with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (usize, u64)> {
        self.0.iter().copied().enumerate().filter(|&(_, count)| count != 0)
    }
}

/// Returns how often this domain has left its container.
///
/// # Errors
///
/// `ENOSYS` under a hypervisor without this extension.
pub fn exit_counts() -> Result<ExitCounts, Errno> {
    let mut counts = ExitCounts([0; _]);
    let arguments =
        [xenolith::EXIT_COUNTS.into(), address_of(counts.0.as_mut_ptr()), counts.0.len() as u64];
    // SAFETY: the call writes at most as many slots as it is told there are.
    unsafe { call::<{ xenolith::OP }>(arguments) }?;
    Ok(counts)
}

pub use xenolith::EventArrival;

/// Has an event raised at `port` after so many ticks of the TSC, which begin with the hypervisor's
/// own code on the way back from this call. In Bochs an instruction takes a tick.
///
/// # Errors
///
/// `EPERM` unless the hypervisor was started with `step=on`, `EOPNOTSUPP` on a CPU that cannot,
/// `EINVAL` for a port not in use, no ticks or too many.
pub fn event_after(port: Port, ticks: u64) -> Result<(), Errno> {
    let arguments = [xenolith::EVENT_AFTER.into(), port.0.into(), ticks];
    // SAFETY: the call touches no memory; an event may come at any instruction anyway.
    unsafe { call::<{ xenolith::OP }>(arguments) }.map(drop)
}

/// Ends what [`event_after`] began, and returns where the event came, if it did.
///
/// # Errors
///
/// `EPERM` as for [`event_after`].
pub fn event_arrival() -> Result<Option<EventArrival>, Errno> {
    let mut arrival = EventArrival { rip: 0, resident: 0, mask: 0 };
    let arguments = [xenolith::EVENT_ARRIVAL.into(), address_of(&raw mut arrival), 0];
    // SAFETY: the call writes nothing but the arrival.
    let came = unsafe { call::<{ xenolith::OP }>(arguments) }?;
    Ok((came != 0).then_some(arrival))
}

/// Returns what the reasons that a well-behaved guest causes are called.
pub fn exit_reason_name(reason: usize) -> &'static str {
    match reason {
        0 => "exceptions and NMIs",
        1 => "external interrupts",
        10 => "CPUID",
        12 => "HLT",
        18 => "hypercalls",
        28 => "control-register accesses",
        30 => "I/O instructions",
        31 => "RDMSR",
        32 => "WRMSR",
        48 => "EPT violations",
        52 => "preemption timer",
        55 => "XSETBV",
        _ => "other reasons",
    }
}
