//! The date: when system time began, and how long ago that was.

use core::{
    fmt,
    hint::spin_loop,
    sync::atomic::{
        Ordering::{Acquire, Relaxed},
        fence,
    },
    time::Duration,
};

use super::SystemTime;
use crate::shared_info::{WallClockWords, shared_info};

/// A date, in seconds since 1970 (UTC).
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct WallClock {
    /// Whole seconds.
    pub seconds: u64,
    /// Nanoseconds of the second that has begun.
    pub nanoseconds: u32,
}

impl WallClock {
    /// Returns the date at a system time, when system time began at `self`.
    pub fn at(self, time: SystemTime) -> Self {
        let began = Duration::new(self.seconds, self.nanoseconds);
        let date = began + Duration::from_nanos(time.ns());
        Self { seconds: date.as_secs(), nanoseconds: date.subsec_nanos() }
    }

    /// Returns year, month and day.
    pub fn date(self) -> (u64, u64, u64) {
        // Days are counted from 1 March of year 0, so that a leap day is the last of its year.
        let days = self.seconds / 86_400 + 719_468;
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = era * 400 + year_of_era + u64::from(month <= 2);
        (year, month, day)
    }
}

impl fmt::Display for WallClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.date();
        let (hour, minute) = (self.seconds / 3600 % 24, self.seconds / 60 % 60);
        let second = self.seconds % 60;
        write!(f, "{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
    }
}

/// Returns the date.
pub fn wall_clock() -> WallClock {
    began(shared_info().wall_clock()).at(super::now())
}

/// Returns when system time began, read between two reads of the same even version.
fn began(words: WallClockWords) -> WallClock {
    loop {
        let version = words.version.load(Acquire);
        if version & 1 == 0 {
            let low = words.seconds.load(Relaxed);
            let high = words.seconds_high.load(Relaxed);
            let nanoseconds = words.nanoseconds.load(Relaxed);
            fence(Acquire);
            if words.version.load(Relaxed) == version {
                return WallClock { seconds: u64::from(high) << 32 | u64::from(low), nanoseconds };
            }
        }
        spin_loop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nanoseconds_carry_over_into_seconds() {
        let began = WallClock { seconds: 10, nanoseconds: 999_999_999 };
        let date = began.at(SystemTime::from_ns(2_000_000_001));
        assert_eq!(date, WallClock { seconds: 13, nanoseconds: 0 });
    }

    #[test]
    fn dates_have_their_names() {
        let shown = |seconds| WallClock { seconds, nanoseconds: 0 }.to_string();
        assert_eq!(shown(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(shown(951_782_399), "2000-02-28 23:59:59 UTC");
        assert_eq!(shown(951_782_400), "2000-02-29 00:00:00 UTC");
        assert_eq!(shown(4_107_542_399), "2100-02-28 23:59:59 UTC");
        assert_eq!(shown(4_107_542_400), "2100-03-01 00:00:00 UTC");
        assert_eq!(shown(1_798_761_599), "2026-12-31 23:59:59 UTC");
    }
}
