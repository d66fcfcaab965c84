//! The content of ramdisks that the runner makes (`ramdisk = "pattern:SIZE"`).
//!
//! Word `k` (64 bits, little-endian) is `k * STEP`, wrapping; the last word is cut off where the
//! size is no multiple of eight.

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Returns byte `at` of the pattern.
pub fn pattern_byte(at: usize) -> u8 {
    let word = (at as u64 / 8).wrapping_mul(STEP);
    word.to_le_bytes()[at % 8]
}
