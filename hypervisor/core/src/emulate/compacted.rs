//! What XSAVEC has to write: a state of the registers, and the area that must come of it.
//!
//! Bochs up to 2.7 puts what is behind the legacy part in wrong places, where XRSTOR does not look,
//! and some of it into the header. A kernel that uses the instruction there loses registers at each
//! change of tasks, so it is shown only where it does right (SDM 1, "Operation of XSAVEC").

/// Bytes of an area, more than the components here take.
pub const AREA_BYTES: usize = 1024;
/// The components that are saved: SSE and AVX.
pub const COMPONENTS: u32 = 0b110;

const AVX: u8 = 0b100;
const MXCSR: usize = 24;
const HEADER: usize = 512;
const XCOMP_BV: usize = HEADER + 8;
const RESERVED: usize = HEADER + 16;
/// The upper halves of the YMM registers, in either format: nothing else is behind the header.
const YMM: usize = 576;
const YMM_END: usize = YMM + 256;

/// Returns an area in the standard format, for XRSTOR: nothing but upper halves of YMM registers, all
/// of whose bytes are different from zero.
pub fn standard() -> [u8; AREA_BYTES] {
    let mut area = [0; AREA_BYTES];
    [area[MXCSR], area[MXCSR + 1]] = 0x1f80_u16.to_le_bytes();
    area[HEADER] = AVX;
    for (byte, value) in area[YMM..YMM_END].iter_mut().zip((1..=u8::MAX).cycle()) {
        *byte = value;
    }
    area
}

/// Returns whether `area`, of zeros before, is what XSAVEC makes of [`standard`].
pub fn is_right(area: &[u8; AREA_BYTES]) -> bool {
    // A CPU need not see that SSE is in its initial state.
    let saved = u64::from(COMPONENTS);
    let word = |at: usize| {
        area[at..at + 8].iter().rev().fold(0_u64, |word, byte| word << 8 | u64::from(*byte))
    };
    let xstate = word(HEADER);
    xstate & u64::from(AVX) != 0
        && xstate & !saved == 0
        && word(XCOMP_BV) == 1 << 63 | saved
        && area[RESERVED..YMM].iter().all(|byte| *byte == 0)
        && area[YMM..YMM_END] == standard()[YMM..YMM_END]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a CPU writes, one that tells SSE's initial state or one that does not.
    fn compacted(xstate: u8) -> [u8; AREA_BYTES] {
        let mut area = standard();
        area[HEADER] = xstate;
        (area[XCOMP_BV], area[XCOMP_BV + 7]) = (0b110, 0x80);
        area
    }

    #[test]
    fn what_the_manual_says_is_right() {
        assert!(is_right(&compacted(0b100)) && is_right(&compacted(0b110)));
        let mut without_mxcsr = compacted(0b100);
        without_mxcsr[MXCSR..MXCSR + 8].fill(0);
        assert!(is_right(&without_mxcsr));
    }

    #[test]
    fn other_places_are_wrong() {
        const DIRECTLY_BEHIND_SSE: usize = 416;
        let mut bochs = compacted(0b100);
        bochs[YMM..].fill(0);
        bochs[DIRECTLY_BEHIND_SSE..][..256].copy_from_slice(&standard()[YMM..YMM_END]);
        assert!(!is_right(&bochs));
        let header = compacted(0b100)[HEADER..RESERVED].to_vec();
        bochs[HEADER..RESERVED].copy_from_slice(&header);
        assert!(!is_right(&bochs), "as it is after the header is written");
    }

    #[test]
    fn a_wrong_header_is_wrong() {
        for (at, value) in
            [(HEADER, 0b010), (HEADER, 0b101), (XCOMP_BV, 0b111), (XCOMP_BV + 7, 0), (RESERVED, 1)]
        {
            let mut area = compacted(0b100);
            area[at] = value;
            assert!(!is_right(&area), "{value:#x} at {at}");
        }
        assert!(!is_right(&[0; AREA_BYTES]) && !is_right(&standard()));
    }
}
