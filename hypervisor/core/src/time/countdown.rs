//! A timer that counts down, as local APICs have one: nanoseconds become its ticks.

const NS_PER_MS: u64 = 1_000_000;

/// A timer of 32 bits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Countdown {
    /// Ticks per nanosecond, as a fraction of 2^32, rounded up.
    multiplier: u64,
    /// Nanoseconds that are as long as it can count.
    longest_ns: u64,
}

impl Countdown {
    /// Makes the timer of `khz` kHz.
    pub const fn from_khz(khz: u32) -> Self {
        let khz = if khz == 0 { 1 } else { khz as u64 };
        let multiplier = (khz << 32).div_ceil(NS_PER_MS);
        // Less by what rounding adds.
        let longest_ns = (u32::MAX as u64 - (1 << 12)) * NS_PER_MS / khz;
        Self { multiplier, longest_ns }
    }

    /// Returns as what time `ns` is counted: itself, or less if that is too long.
    pub fn within_reach(self, ns: u64) -> u64 {
        ns.min(self.longest_ns)
    }

    /// Returns the fewest ticks that take longer than `ns`, which is within reach: a timer that is
    /// early has to be set again. They are never 0, which would stop it.
    pub fn ticks(self, ns: u64) -> u32 {
        let product = u128::from(ns) * u128::from(self.multiplier);
        u32::try_from((product >> 32) + 1).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn extremes() {
        for khz in [0, 1, 1000, 20_003, 4_000_000, u32::MAX] {
            let timer = Countdown::from_khz(khz);
            assert_eq!(timer.ticks(0), 1);
            let longest = timer.within_reach(u64::MAX);
            assert!(timer.ticks(longest) > u32::MAX - u32::MAX / 1000, "{khz}");
            assert_eq!(timer.ticks(u64::MAX), u32::MAX);
        }
        assert_eq!(Countdown::from_khz(1_000_000).ticks(1234), 1235);
        assert_eq!(Countdown::from_khz(20_000).ticks(1_000_000), 20_001);
    }

    proptest! {
        /// Longer than asked for, by no more than two ticks and a part in 2^20.
        #[test]
        fn ticks_are_right(khz in 1000u32.., ns: u64) {
            let timer = Countdown::from_khz(khz);
            let ns = timer.within_reach(ns);
            let exact = u128::from(ns) * u128::from(khz) / u128::from(NS_PER_MS);
            let ticks = u128::from(timer.ticks(ns));
            prop_assert!(ticks > exact);
            prop_assert!(ticks <= exact + 2 + (exact >> 20));
        }
    }
}
