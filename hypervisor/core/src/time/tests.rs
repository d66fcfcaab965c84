use super::*;
use crate::address::Gpa;
use crate::guest_memory::{GuestMemory, TestMemory};
use proptest::prelude::*;
use std::cell::RefCell;
use xenolith_abi::time::{TSC_STABLE, VcpuTimeInfo};
use zerocopy::FromBytes;

fn record_at(memory: &TestMemory, at: u64) -> VcpuTimeInfo {
    let mut bytes = [0; 32];
    assert!(memory.read(Gpa(at), &mut bytes));
    VcpuTimeInfo::read_from_bytes(&bytes).unwrap()
}

#[test]
fn scales_of_known_frequencies() {
    for (khz, multiplier, shift) in [
        (1_000_000, 0x8000_0000, 1),
        (2_000_000, 0x8000_0000, 0),
        (4_000_000, 0x8000_0000, -1),
        (1_500_000, 0xaaaa_aaaa, 0),
        (10_000, 0xc800_0000, 7),
    ] {
        assert_eq!(Scale::from_khz(khz), Some(Scale { multiplier, shift }), "{khz}");
    }
    assert_eq!(Scale::from_khz(0), None);
    assert!(Scale::from_khz(1).is_some() && Scale::from_khz(u32::MAX).is_some());
}

#[test]
fn extremes_do_not_overflow() {
    for khz in [1, 1000, 2_600_000, u32::MAX] {
        let scale = Scale::from_khz(khz).unwrap();
        assert_eq!(scale.ns(0), 0);
        assert_eq!(scale.ticks(0), 0);
        assert!(scale.ns(u64::MAX) >= 1 << 50);
        assert!(scale.ticks(u64::MAX) >= 1 << 40);
    }
}

/// A memory that notes each store.
#[derive(Default)]
struct Journal {
    memory: TestMemory,
    stores: RefCell<Vec<(u64, Vec<u8>)>>,
}

impl GuestMemory for Journal {
    fn read(&self, at: Gpa, into: &mut [u8]) -> bool {
        self.memory.read(at, into)
    }

    fn write(&mut self, at: Gpa, from: &[u8]) -> bool {
        self.stores.borrow_mut().push((at.0, from.to_vec()));
        self.memory.write(at, from)
    }

    fn replace_word(&mut self, _: Gpa, _: u64, _: u64) -> Option<u64> {
        unreachable!("records are written in order")
    }

    fn fetch_or(&mut self, at: Gpa, bits: u64) -> Option<u64> {
        self.memory.fetch_or(at, bits)
    }

    fn fetch_and(&mut self, at: Gpa, bits: u64) -> Option<u64> {
        self.memory.fetch_and(at, bits)
    }
}

fn clock() -> Clock {
    Clock { tsc: 1000, system_time_ns: 77, scale: Scale::from_khz(2_000_000).unwrap() }
}

#[test]
fn a_record_is_written_between_versions() {
    for (before, during, after) in [(0, 1, 2), (4, 5, 6), (5, 7, 8), (u32::MAX, 1, 2)] {
        let memory = TestMemory::default().with_pages(0, 1, true);
        let mut journal = Journal { memory, ..Journal::default() };
        journal.memory.poke(0x20, u64::from(before));
        assert!(write_record(&mut journal, Gpa(0x20), &clock()));
        let stores = journal.stores.borrow();
        assert_eq!(stores.first(), Some(&(0x20, u32::to_le_bytes(during).to_vec())));
        assert_eq!(stores.last(), Some(&(0x20, u32::to_le_bytes(after).to_vec())));
        assert!(stores[1..stores.len() - 1].iter().all(|(at, _)| *at >= 0x28), "{stores:?}");
        let record = record_at(&journal.memory, 0x20);
        assert_eq!(record, clock().record(after));
        assert_eq!(
            (record.tsc_timestamp, record.system_time, record.flags),
            (1000, 77, TSC_STABLE)
        );
    }
}

#[test]
fn a_record_without_memory_is_left_out() {
    let mut memory = TestMemory::default().with_pages(0, 1, false);
    assert!(!write_record(&mut memory, Gpa(0), &clock()));
    assert!(!write_record(&mut memory, Gpa(0x1000), &clock()));
}

#[test]
fn the_clock_stands_before_its_beginning() {
    assert_eq!(clock().now_ns(0), 77);
    assert_eq!(clock().now_ns(1000), 77);
    assert_eq!(clock().now_ns(3000), 1077);
    assert_eq!(clock().tsc_at(0), 1000);
    assert_eq!(clock().tsc_at(1077), 3000);
    assert_eq!(clock().tsc_at(u64::MAX), u64::MAX);
}

const BCD_24: u8 = 2;
const BINARY_24: u8 = 6;

fn date(text: [u8; 6], century: Option<u8>, status_b: u8) -> CmosDate {
    let [year, month, day, hour, minute, second] = text;
    CmosDate { second, minute, hour, day, month, year, century, status_b }
}

#[test]
fn dates() {
    for (text, century, status_b, seconds) in [
        ([0x70, 1, 1, 0, 0, 0], None, BCD_24, Some(0)),
        ([0, 3, 1, 0, 0, 0], Some(0x20), BCD_24, Some(951_868_800)),
        ([0x24, 2, 0x29, 0x23, 0x59, 0x59], Some(0x20), BCD_24, Some(1_709_251_199)),
        ([24, 2, 29, 23, 59, 59], Some(20), BINARY_24, Some(1_709_251_199)),
        ([24, 2, 29, 0x8b, 59, 59], Some(20), 4, Some(1_709_251_199)),
        ([0x24, 2, 0x29, 0x80 | 0x11, 0x59, 0x59], None, 0, Some(1_709_251_199)),
        // Midnight is 12 in the morning, noon 12 past it.
        ([0x70, 1, 1, 0x12, 0, 0], None, 0, Some(0)),
        ([0x70, 1, 1, 0x92, 0, 0], None, 0, Some(43_200)),
        // A century that is none.
        ([0x70, 1, 1, 0, 0, 0], Some(0), BCD_24, Some(0)),
        ([0x38, 1, 0x19, 3, 0x14, 8], None, BCD_24, Some(1 << 31)),
        ([0, 1, 1, 0, 0, 0], Some(0x21), BCD_24, Some(4_102_444_800)),
        // No dates.
        ([0x23, 2, 0x29, 0, 0, 0], None, BCD_24, None),
        ([0, 2, 0x29, 0, 0, 0], Some(0x21), BCD_24, None),
        ([0x23, 0x13, 1, 0, 0, 0], None, BCD_24, None),
        ([0x23, 0, 1, 0, 0, 0], None, BCD_24, None),
        ([0x23, 1, 0, 0, 0, 0], None, BCD_24, None),
        ([0x23, 4, 0x31, 0, 0, 0], None, BCD_24, None),
        ([0x23, 1, 1, 0x24, 0, 0], None, BCD_24, None),
        ([0x23, 1, 1, 0, 0x60, 0], None, BCD_24, None),
        ([0x23, 1, 1, 0, 0, 0x61], None, BCD_24, None),
        ([0x23, 1, 1, 0, 0, 0x0a], None, BCD_24, None),
        ([0x23, 1, 1, 0, 0, 0], None, 0, None),
        ([0x23, 1, 1, 0x13, 0, 0], None, 0, None),
        ([0x69, 1, 1, 0, 0, 0], Some(0x19), BCD_24, None),
        ([0xff; 6], Some(0xff), 0xff, None),
    ] {
        assert_eq!(date(text, century, status_b).unix_seconds(), seconds, "{text:x?} {century:?}");
    }
}

#[test]
fn the_date_at_boot() {
    for (seconds, now_ns, at_boot, nanoseconds) in [
        (100, 0, 100, 0),
        (100, 1, 99, 999_999_999),
        (100, 1_000_000_000, 99, 0),
        (100, 1_500_000_000, 98, 500_000_000),
        (1, 1_500_000_000, 0, 0),
        (0, u64::MAX, 0, 0),
    ] {
        let expected = WallClock { seconds: at_boot, nanoseconds };
        assert_eq!(WallClock::at_boot(seconds, now_ns), expected, "{seconds} {now_ns}");
    }
}

#[test]
fn the_date_is_written_between_versions() {
    let memory = TestMemory::default().with_pages(1, 1, true);
    let mut journal = Journal { memory, ..Journal::default() };
    let date = WallClock { seconds: 0x1_2345_6789, nanoseconds: 42 };
    assert!(date.write(&mut journal, Gpa(0x1000)));
    let stores = journal.stores.borrow();
    assert_eq!(stores[0], (0x1c00, vec![1, 0, 0, 0]));
    assert_eq!(stores.last().unwrap(), &(0x1c00, vec![2, 0, 0, 0]));
    assert_eq!(journal.read_word(Gpa(0x1c00)), Some(0x2345_6789 << 32 | 2));
    assert_eq!(journal.read_word(Gpa(0x1c08)), Some(1 << 32 | 0x2a));
    assert!(!date.write(&mut TestMemory::default(), Gpa(0x1000)));
}

proptest! {
    /// Ticks for a time are enough, and one less is not.
    #[test]
    fn ticks_invert_ns(khz in 1000u32.., ns in 1u64..1 << 50) {
        let scale = Scale::from_khz(khz).unwrap();
        let ticks = scale.ticks(ns);
        prop_assert!(scale.ns(ticks) >= ns);
        prop_assert!(scale.ns(ticks - 1) < ns);
    }

    /// The scale is off by less than one part in 2^29, and by what the shift cuts off.
    #[test]
    fn ns_are_right(khz in 1000u32.., ticks in 0u64..1 << 50) {
        let exact = u128::from(ticks) * 1_000_000 / u128::from(khz);
        let got = u128::from(Scale::from_khz(khz).unwrap().ns(ticks));
        prop_assert!(got <= exact + 1 + (exact >> 29));
        prop_assert!(got + 2 + (exact >> 29) >= exact);
    }

    /// What the guest computes by Xen's formula is what the hypervisor computes.
    #[test]
    fn guests_agree(khz in 100_000u32..6_000_000, tsc in 0u64..1 << 50, more in 0u64..1 << 50) {
        let clock = Clock { tsc, system_time_ns: 5, scale: Scale::from_khz(khz).unwrap() };
        let record = clock.record(2);
        let delta = more;
        let shift = u32::from(record.tsc_shift.unsigned_abs());
        let shifted = if record.tsc_shift < 0 { delta >> shift } else { delta << shift };
        let ns = (u128::from(shifted) * u128::from(record.tsc_to_system_mul)) >> 32;
        prop_assert_eq!(u128::from(clock.now_ns(tsc + more)), ns + 5);
        prop_assert!(clock.now_ns(tsc + more + 1) >= clock.now_ns(tsc + more));
    }

    /// Each day begins where the one before ends.
    #[test]
    fn days_follow_each_other(year in 0u8..100, month in 1u8..=12, day in 1u8..=28) {
        let at = |day| date([year, month, day, 0, 0, 0], Some(20), BINARY_24).unix_seconds();
        match at(day + 1) {
            Some(next) => prop_assert_eq!(next, at(day).unwrap() + 86_400),
            None => prop_assert!(month == 2 && day == 28 && year % 4 != 0),
        }
    }
}

#[test]
fn a_date_is_read_until_two_are_alike() {
    // The second changes between the first two readings.
    let mut readings = [0x58, 0x59, 0x59].into_iter();
    let date = CmosDate::read(|register| match register {
        0 => readings.next().unwrap(),
        0xa => 0,
        other => other,
    });
    assert_eq!((date.second, date.minute, date.status_b), (0x59, 2, 0xb));
    assert_eq!(readings.next(), None);
}

#[test]
fn a_clock_that_never_settles_does_not_hold_up_the_boot() {
    let mut reads = 0_u32;
    let date = CmosDate::read(|register| {
        reads += 1;
        if register == 0xa { 0 } else { reads.to_le_bytes()[0] }
    });
    assert_eq!((date.century, reads), (None, 8 * 10_001));
}
