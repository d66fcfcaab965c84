//! The date, from the CMOS clock to what guests find in the shared page.

use crate::address::{Gpa, to_u64};
use crate::guest_memory::GuestMemory;
use core::mem::offset_of;
use core::sync::atomic::{Ordering, fence};
use xenolith_abi::shared_info::SharedInfo;

/// Bit of register B: values are binary, not BCD (MC146818, "Register B").
const BINARY: u8 = 1 << 2;
/// Bit of register B: hours count to 23.
const HOURS_24: u8 = 1 << 1;
/// Bit of the hour when they do not: it is past noon.
const PAST_NOON: u8 = 1 << 7;
const NS_PER_SECOND: u64 = 1_000_000_000;

/// The registers of the CMOS clock as they are read.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct CmosDate {
    /// Register 0.
    pub second: u8,
    /// Register 2.
    pub minute: u8,
    /// Register 4.
    pub hour: u8,
    /// Register 7.
    pub day: u8,
    /// Register 8.
    pub month: u8,
    /// Register 9.
    pub year: u8,
    /// The register that ACPI's FADT names, if it does.
    pub century: Option<u8>,
    /// Register B (0x0b), which says how to read the others.
    pub status_b: u8,
}

/// Polls after which an update that never ends is ignored: some milliseconds.
const STUCK_POLLS: u32 = 10_000;

impl CmosDate {
    /// Returns the date outside an update and twice alike, as far as the clock ever gets there;
    /// `read` reads one of its registers.
    pub fn read(mut read: impl FnMut(u8) -> u8) -> Self {
        let mut last = Self::read_once(&mut read);
        for _ in 0..STUCK_POLLS {
            let next = Self::read_once(&mut read);
            if next == last {
                break;
            }
            last = next;
        }
        last
    }

    fn read_once(read: &mut impl FnMut(u8) -> u8) -> Self {
        const STATUS_A: u8 = 0xa;
        const UPDATING: u8 = 0x80;
        let _ = (0..STUCK_POLLS).find(|_| read(STATUS_A) & UPDATING == 0);
        Self {
            second: read(0),
            minute: read(2),
            hour: read(4),
            day: read(7),
            month: read(8),
            year: read(9),
            century: None,
            status_b: read(0xb),
        }
    }

    /// Returns the seconds since 1970 began, in whatever zone the clock is set to, or `None` if the
    /// registers hold no date.
    pub fn unix_seconds(&self) -> Option<u64> {
        let second = self.number(self.second)?;
        let minute = self.number(self.minute)?;
        let hour = self.hour_of_day()?;
        let (day, month) = (self.number(self.day)?, self.number(self.month)?);
        let year = self.full_year()?;
        // A leap second is written as 60.
        if second > 60 || minute > 59 || !(1..=12).contains(&month) {
            return None;
        }
        if day < 1 || day > days_in(year, month) {
            return None;
        }
        Some(((days_since_1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second)
    }

    fn number(&self, register: u8) -> Option<u64> {
        if self.status_b & BINARY != 0 {
            return Some(u64::from(register));
        }
        let (tens, ones) = (register >> 4, register & 0xf);
        (tens < 10 && ones < 10).then_some(u64::from(tens) * 10 + u64::from(ones))
    }

    fn hour_of_day(&self) -> Option<u64> {
        if self.status_b & HOURS_24 != 0 {
            return self.number(self.hour).filter(|hour| *hour < 24);
        }
        let hour = self.number(self.hour & !PAST_NOON).filter(|hour| (1..=12).contains(hour))?;
        Some(hour % 12 + if self.hour & PAST_NOON != 0 { 12 } else { 0 })
    }

    /// Without a century the year is the one from 1970 to 2069.
    fn full_year(&self) -> Option<u64> {
        let year = self.number(self.year).filter(|year| *year < 100)?;
        let century = self.century.and_then(|register| self.number(register));
        Some(match century {
            Some(century @ 19..=99) => century * 100 + year,
            _ if year < 70 => 2000 + year,
            _ => 1900 + year,
        })
        .filter(|year| *year >= 1970)
    }
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_in(year: u64, month: u64) -> u64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Counts the days before a date from 1970 on.
fn days_since_1970(year: u64, month: u64, day: u64) -> u64 {
    let leap_days_before = |year: u64| (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400;
    let years = (year - 1970) * 365 + leap_days_before(year) - leap_days_before(1970);
    let months: u64 = (1..month).map(|month| days_in(year, month)).sum();
    years + months + day - 1
}

/// The date at system time 0.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct WallClock {
    /// Seconds since 1970 began.
    pub seconds: u64,
    /// Nanoseconds beside them, below 10^9.
    pub nanoseconds: u32,
}

impl WallClock {
    /// Returns the date at system time 0 when it is `seconds` at system time `now_ns`. Before 1970
    /// there are no dates.
    pub fn at_boot(seconds: u64, now_ns: u64) -> Self {
        let since = now_ns.div_ceil(NS_PER_SECOND);
        let rest = (NS_PER_SECOND - now_ns % NS_PER_SECOND) % NS_PER_SECOND;
        match (seconds.checked_sub(since), u32::try_from(rest)) {
            (Some(seconds), Ok(nanoseconds)) => Self { seconds, nanoseconds },
            _ => Self { seconds: 0, nanoseconds: 0 },
        }
    }

    /// Writes the date to the shared page, so that a reader which finds the same even version
    /// before and after has read all of it. Returns whether there is memory.
    #[doc(alias = "update_domain_wallclock_time")]
    pub fn write<M: GuestMemory>(&self, memory: &mut M, shared_info: Gpa) -> bool {
        let at = |offset| Gpa(shared_info.0 + to_u64(offset));
        let version = at(offset_of!(SharedInfo, wc_version));
        let mut old = [0; 4];
        if !memory.read(version, &mut old) {
            return false;
        }
        let odd = u32::from_le_bytes(old).wrapping_add(1) | 1;
        if !memory.write(version, &odd.to_le_bytes()) {
            return false;
        }
        let [low, high] = halves(self.seconds);
        fence(Ordering::SeqCst);
        memory.write(at(offset_of!(SharedInfo, wc_sec)), &low);
        memory.write(at(offset_of!(SharedInfo, wc_nsec)), &self.nanoseconds.to_le_bytes());
        memory.write(at(offset_of!(SharedInfo, wc_sec_hi)), &high);
        fence(Ordering::SeqCst);
        memory.write(version, &odd.wrapping_add(1).to_le_bytes())
    }
}

/// Returns the low and the high half of a word.
fn halves(word: u64) -> [[u8; 4]; 2] {
    let half = |shift: u32| u32::try_from(word >> shift & 0xffff_ffff).unwrap_or(0).to_le_bytes();
    [half(0), half(32)]
}
