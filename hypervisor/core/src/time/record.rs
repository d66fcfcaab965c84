//! The clock, and the record through which guests read it.
//!
//! The record is written anew only when it changes: a guest then computes the same time as the
//! hypervisor, to the nanosecond, and none goes backwards.

use super::scale::Scale;
use crate::address::{Gpa, to_u64};
use crate::guest_memory::GuestMemory;
use core::mem::offset_of;
use core::sync::atomic::{Ordering, fence};
use xenolith_abi::time::{TSC_STABLE, VcpuTimeInfo};
use zerocopy::IntoBytes;

/// System time: a value of the TSC, the nanoseconds at it, and how fast they go on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Clock {
    /// The TSC at the beginning.
    pub tsc: u64,
    /// Nanoseconds at the beginning.
    pub system_time_ns: u64,
    /// How ticks become nanoseconds.
    pub scale: Scale,
}

impl Clock {
    /// Returns the time at `tsc`. Before the clock's beginning, it is the time there.
    pub fn now_ns(&self, tsc: u64) -> u64 {
        let ticks = tsc.saturating_sub(self.tsc);
        self.system_time_ns.saturating_add(self.scale.ns(ticks))
    }

    /// Returns the least value of the TSC at which [`Self::now_ns`] is at least `deadline_ns`.
    pub fn tsc_at(&self, deadline_ns: u64) -> u64 {
        let ns = deadline_ns.saturating_sub(self.system_time_ns);
        self.tsc.saturating_add(self.scale.ticks(ns))
    }

    /// Returns the guest's record of the clock.
    pub fn record(&self, version: u32) -> VcpuTimeInfo {
        VcpuTimeInfo {
            version,
            pad0: 0,
            tsc_timestamp: self.tsc,
            system_time: self.system_time_ns,
            tsc_to_system_mul: self.scale.multiplier,
            tsc_shift: self.scale.shift,
            flags: TSC_STABLE,
            pad1: [0; 2],
        }
    }
}

/// Writes the record at `at`, which lies within one page, so that a reader which finds the same
/// even version before and after has read all of it. Returns whether there is memory.
///
/// What the record's version was does not matter but for its parity: the guest may change it.
#[doc(alias = "update_vcpu_system_time")]
pub fn write_record<M: GuestMemory>(memory: &mut M, at: Gpa, clock: &Clock) -> bool {
    const BODY: usize = offset_of!(VcpuTimeInfo, tsc_timestamp);
    let mut version = [0; 4];
    if !memory.read(at, &mut version) {
        return false;
    }
    let odd = u32::from_le_bytes(version).wrapping_add(1) | 1;
    let record = clock.record(odd.wrapping_add(1));
    if !memory.write(at, &odd.to_le_bytes()) {
        return false;
    }
    // Readers on other CPUs see stores in the order of the program; the compiler must keep it.
    fence(Ordering::SeqCst);
    memory.write(Gpa(at.0 + to_u64(BODY)), &record.as_bytes()[BODY..]);
    fence(Ordering::SeqCst);
    memory.write(at, &record.version.to_le_bytes())
}
