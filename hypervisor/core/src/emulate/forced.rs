//! The prefix by which a guest asks for an instruction to be emulated (`xen/arch-x86/xen.h`).
//!
//! Of all instructions only CPUID may stand behind it, as on Xen. The prefix begins with UD2: where
//! it is not understood, and in front of any other instruction, it is an exception.

use xenolith_abi::cpuid::EMULATE_PREFIX;

/// The prefix and CPUID.
pub const FORCED_CPUID: [u8; 7] = {
    let [a, b, c, d, e] = EMULATE_PREFIX;
    [a, b, c, d, e, 0x0f, 0xa2]
};

/// The first four of these bytes and the last four, as the resident compares them.
pub const FORCED_CPUID_WORDS: [u32; 2] = {
    let [a, b, c, d, e, f, g] = FORCED_CPUID;
    [u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([d, e, f, g])]
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_cover_all_bytes() {
        let [first, last] = FORCED_CPUID_WORDS.map(u32::to_le_bytes);
        assert_eq!([&first[..], &last[1..]].concat(), FORCED_CPUID);
        assert_eq!(first[3], last[0]);
        assert_eq!(FORCED_CPUID, *b"\x0f\x0bxen\x0f\xa2");
    }
}
