//! The record that turns the time-stamp counter into system time (`vcpu_time_info`).

use core::{
    hint::spin_loop,
    sync::atomic::{
        Ordering::{Acquire, Relaxed},
        fence,
    },
};

use super::SystemTime;
use crate::{clock, shared_info::TimeWords};

/// A consistent copy of the record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Record {
    /// The counter at the last update.
    pub tsc_timestamp: u64,
    /// System time at the last update.
    pub system_time: SystemTime,
    /// Nanoseconds per shifted tick, as a fraction of 2^32.
    pub tsc_to_system_mul: u32,
    /// Left shift of ticks, or right shift when negative.
    pub tsc_shift: i8,
}

impl Record {
    /// Copies a live record.
    pub(super) fn read(words: TimeWords) -> Self {
        consistent(words, || ()).0
    }

    /// Returns the system time when the counter stands at `tsc`.
    ///
    /// A counter before the last update counts as at the update: time does not go backwards.
    pub fn at(&self, tsc: u64) -> SystemTime {
        let ticks = tsc.saturating_sub(self.tsc_timestamp);
        let distance = u32::from(self.tsc_shift.unsigned_abs());
        let shifted = if self.tsc_shift < 0 {
            ticks.checked_shr(distance).unwrap_or(0)
        } else {
            ticks.checked_shl(distance).unwrap_or(0)
        };
        let ns = (u128::from(shifted) * u128::from(self.tsc_to_system_mul)) >> 32;
        let ns = u64::try_from(ns).unwrap_or(u64::MAX);
        SystemTime::from_ns(self.system_time.ns().saturating_add(ns))
    }
}

/// Returns the system time by a live record.
pub(super) fn now(words: TimeWords) -> SystemTime {
    // The counter is read under the same version as the record it belongs to.
    let (record, tsc) = consistent(words, clock::ordered_ticks);
    record.at(tsc)
}

/// Copies a live record, and calls `also`, between two reads of the same even version.
fn consistent<T>(words: TimeWords, also: impl Fn() -> T) -> (Record, T) {
    loop {
        let version = words.version.load(Acquire);
        if version & 1 == 0 {
            let record = Record {
                tsc_timestamp: words.tsc_timestamp.load(Relaxed),
                system_time: SystemTime::from_ns(words.system_time.load(Relaxed)),
                tsc_to_system_mul: words.tsc_to_system_mul.load(Relaxed),
                tsc_shift: words.tsc_shift.load(Relaxed),
            };
            let other = also();
            fence(Acquire);
            if words.version.load(Relaxed) == version {
                return (record, other);
            }
        }
        spin_loop();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{
            AtomicBool, AtomicI8, AtomicU8, AtomicU32, AtomicU64,
            Ordering::{Release, SeqCst},
        },
        thread,
    };

    use proptest::prelude::*;

    use super::*;

    const GHZ: Record = Record {
        tsc_timestamp: 1000,
        system_time: SystemTime::from_ns(5_000_000_000),
        tsc_to_system_mul: 1 << 31,
        tsc_shift: 1,
    };

    #[test]
    fn a_tick_of_a_nanosecond_is_a_nanosecond() {
        assert_eq!(GHZ.at(1000).ns(), 5_000_000_000);
        assert_eq!(GHZ.at(1001).ns(), 5_000_000_001);
        assert_eq!(GHZ.at(1_000_001_000).ns(), 6_000_000_000);
    }

    #[test]
    fn a_negative_shift_divides() {
        // 4 GHz: a quarter of a nanosecond.
        let record = Record { tsc_to_system_mul: 1 << 31, tsc_shift: -1, ..GHZ };
        assert_eq!(record.at(1000 + 4_000_000_000).ns(), 6_000_000_000);
    }

    #[test]
    fn a_counter_before_the_update_is_at_the_update() {
        assert_eq!(GHZ.at(999).ns(), 5_000_000_000);
        assert_eq!(GHZ.at(0).ns(), 5_000_000_000);
    }

    proptest! {
        #[test]
        fn time_never_runs_backwards(mul: u32, shift in -31_i8..=12, a in 0_u64..1 << 50, b in 0_u64..1 << 50) {
            let record = Record { tsc_to_system_mul: mul, tsc_shift: shift, ..GHZ };
            let (a, b) = (a.min(b), a.max(b));
            prop_assert!(record.at(a) <= record.at(b));
        }
    }

    fn leaked() -> TimeWords {
        TimeWords {
            version: Box::leak(Box::new(AtomicU32::new(0))),
            tsc_timestamp: Box::leak(Box::new(AtomicU64::new(0))),
            system_time: Box::leak(Box::new(AtomicU64::new(0))),
            tsc_to_system_mul: Box::leak(Box::new(AtomicU32::new(0))),
            tsc_shift: Box::leak(Box::new(AtomicI8::new(0))),
            flags: Box::leak(Box::new(AtomicU8::new(0))),
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "takes minutes under Miri")]
    fn a_copy_is_never_half_of_two_updates() {
        let words = leaked();
        let done: &AtomicBool = Box::leak(Box::new(AtomicBool::new(false)));
        let writer = thread::spawn(move || {
            for n in 1..=200_000_u64 {
                words.version.fetch_add(1, SeqCst);
                words.tsc_timestamp.store(n, Release);
                words.system_time.store(n * 3, Release);
                words.version.fetch_add(1, SeqCst);
            }
            done.store(true, SeqCst);
        });
        let mut copies = 0_u64;
        while !done.load(SeqCst) {
            let (record, ()) = consistent(words, || ());
            assert_eq!(record.system_time.ns(), record.tsc_timestamp * 3);
            copies += 1;
        }
        writer.join().unwrap();
        assert!(copies > 0);
    }
}
