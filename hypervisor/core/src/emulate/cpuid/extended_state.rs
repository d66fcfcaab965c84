//! Leaf 0xd: the XSAVE area, whose sizes are those of the components that guests may have.
//!
//! They are computed from the sizes of single components: the CPU's own sums include components
//! that are hidden (SDM 1, "Enumeration of CPU Support for XSAVE-Managed Features").

use super::{Registers, View, bits, low};
use crate::emulate::xcr0::ALLOWED;

/// Leaf of the extended state.
const LEAF: u32 = 0xd;
/// The legacy part and the header, which every area has. Bytes.
const LEGACY_BYTES: u32 = 512 + 64;
/// Subleaf 1, EAX: XSAVEOPT, XGETBV with ECX = 1.
const INSTRUCTIONS: u32 = bits(&[0, 2]);
/// Likewise: XSAVEC, which not every CPU does right ([`crate::emulate::compacted`]).
const XSAVEC: u32 = bits(&[1]);

/// Returns what the guest reads of `subleaf`.
pub(super) fn leaf(subleaf: u32, view: &View, cpu: &impl Fn(u32, u32) -> Registers) -> Registers {
    let supported = cpu(LEAF, 0)[0] & low(ALLOWED);
    let enabled = low(view.xcr0) & supported;
    match subleaf {
        0 => [supported, standard_bytes(enabled, cpu), standard_bytes(supported, cpu), 0],
        1 if view.xsavec => {
            let instructions = cpu(LEAF, 1)[0] & (INSTRUCTIONS | XSAVEC);
            [instructions, compacted_bytes(enabled, cpu), 0, 0]
        }
        1 => [cpu(LEAF, 1)[0] & INSTRUCTIONS, 0, 0, 0],
        2..=31 if supported >> subleaf & 1 != 0 => cpu(LEAF, subleaf),
        _ => [0; 4],
    }
}

/// The components behind the legacy part, each with what the CPU says of it.
fn beyond_legacy(
    components: u32,
    cpu: &impl Fn(u32, u32) -> Registers,
) -> impl Iterator<Item = Registers> {
    (2..32).filter(move |bit| components >> bit & 1 != 0).map(|bit| cpu(LEAF, bit))
}

/// Bytes of an area in the standard format, in which each component has its place.
fn standard_bytes(components: u32, cpu: &impl Fn(u32, u32) -> Registers) -> u32 {
    beyond_legacy(components, cpu)
        .map(|[bytes, offset, ..]| offset.saturating_add(bytes))
        .fold(LEGACY_BYTES, u32::max)
}

/// Bytes of an area in the compacted format, in which each component is behind the one before, some
/// of them at the next multiple of 64 bytes.
fn compacted_bytes(components: u32, cpu: &impl Fn(u32, u32) -> Registers) -> u32 {
    const ALIGNED: u32 = 1 << 1;
    beyond_legacy(components, cpu).fold(LEGACY_BYTES, |end, [bytes, _, flags, _]| {
        let start = if flags & ALIGNED == 0 { end } else { end.saturating_add(63) & !63 };
        start.saturating_add(bytes)
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::VIEW;
    use super::*;

    /// A processor with AVX-512 and, hidden from guests, PKRU; its own sums include that.
    fn ice_lake(_: u32, subleaf: u32) -> Registers {
        match subleaf {
            0 => [0x2e7, 0xa80, 0xac0, 0],
            1 => [0xf, 0xa80, 0x100, 0],
            2 => [0x100, 0x240, 0, 0],
            5 => [0x40, 0x440, 0, 0],
            6 => [0x200, 0x480, 0, 0],
            7 => [0x400, 0x680, 0, 0],
            9 => [8, 0xa80, 0, 0],
            _ => [0; 4],
        }
    }

    fn sizes(xcr0: u64) -> [u32; 2] {
        let [_, enabled, supported, _] = leaf(0, &View { xcr0, ..VIEW }, &ice_lake);
        [enabled, supported]
    }

    #[test]
    fn sizes_follow_xcr0_and_leave_out_what_is_hidden() {
        assert_eq!(sizes(1), [0x240, 0xa80]);
        assert_eq!(sizes(7), [0x340, 0xa80]);
        assert_eq!(sizes(0xe7), [0xa80, 0xa80]);
    }

    #[test]
    fn hidden_components_and_instructions_read_as_zeros() {
        assert_eq!(leaf(0, &VIEW, &ice_lake)[0], 0xe7);
        assert_eq!(leaf(1, &VIEW, &ice_lake), [5, 0, 0, 0], "no compacted area");
        let compacted = View { xsavec: true, xcr0: 0xe7, ..VIEW };
        assert_eq!(leaf(1, &compacted, &ice_lake), [7, 0x980, 0, 0], "without a gap for MPX");
        assert_eq!(leaf(1, &View { xcr0: 0x207, ..compacted }, &ice_lake), [7, 0x340, 0, 0]);
        let aligned = |leaf, subleaf| match subleaf {
            5 => [8, 0x440, 0, 0],
            6 => [0x200, 0x480, 2, 0],
            _ => ice_lake(leaf, subleaf),
        };
        assert_eq!(leaf(1, &compacted, &aligned)[1], 0x980, "56 bytes before component 6");
        assert_eq!(leaf(9, &VIEW, &ice_lake), [0; 4], "no PKRU state");
        assert_eq!(leaf(2, &VIEW, &ice_lake), [0x100, 0x240, 0, 0]);
    }

    #[test]
    fn a_cpu_that_says_nonsense_does_not_overflow() {
        let sizes = leaf(0, &View { xcr0: u64::MAX, ..VIEW }, &|_, _| [u32::MAX; 4]);
        assert_eq!(sizes, [0xe7, u32::MAX, u32::MAX, 0]);
    }
}
