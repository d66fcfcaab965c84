//! What turns ticks of the TSC into nanoseconds, in the form that guests compute with.

const NS_PER_SECOND: u64 = 1_000_000_000;

/// A frequency as `vcpu_time_info` gives it: ticks are shifted left by `shift` (right, when that is
/// negative) and multiplied by `multiplier / 2^32` (`xen/public/xen.h`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Scale {
    /// Nanoseconds per shifted tick, as a fraction of 2^32; at least 2^31.
    pub multiplier: u32,
    /// How far ticks are shifted to the left.
    pub shift: i8,
}

impl Scale {
    /// Returns the scale of a counter of `khz` kHz, or `None` for one that stands still.
    #[doc(alias = "set_time_scale")]
    pub fn from_khz(khz: u32) -> Option<Self> {
        if khz == 0 {
            return None;
        }
        let mut frequency = u64::from(khz) * 1000;
        let mut shift = 0;
        while frequency > 2 * NS_PER_SECOND {
            frequency >>= 1;
            shift -= 1;
        }
        while frequency <= NS_PER_SECOND {
            frequency <<= 1;
            shift += 1;
        }
        let multiplier = u32::try_from((NS_PER_SECOND << 32) / frequency).ok()?;
        Some(Self { multiplier, shift })
    }

    /// Returns the nanoseconds that `ticks` take, as a guest computes them; what does not fit
    /// becomes the greatest number.
    #[doc(alias = "scale_delta")]
    pub fn ns(self, ticks: u64) -> u64 {
        let distance = u32::from(self.shift.unsigned_abs());
        if self.shift < 0 {
            return fraction(ticks >> distance, self.multiplier);
        }
        if ticks.leading_zeros() >= distance {
            return fraction(ticks << distance, self.multiplier);
        }
        saturated((u128::from(ticks) << distance).saturating_mul(self.multiplier.into()) >> 32)
    }

    /// Returns the fewest ticks that take at least `ns` nanoseconds, or the greatest number.
    pub fn ticks(self, ns: u64) -> u64 {
        let shifted = (u128::from(ns) << 32).div_ceil(u128::from(self.multiplier));
        let distance = u32::from(self.shift.unsigned_abs());
        if self.shift < 0 {
            saturated(shifted << distance)
        } else {
            saturated(shifted.div_ceil(1 << distance))
        }
    }
}

/// Returns `count * multiplier / 2^32`, which fits: one multiplication and one shift.
fn fraction(count: u64, multiplier: u32) -> u64 {
    let product = u128::from(count) * u128::from(multiplier);
    u64::try_from(product >> 32).expect("the factors have 96 bits")
}

fn saturated(value: u128) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}
