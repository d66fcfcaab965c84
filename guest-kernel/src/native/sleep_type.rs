//! The two numbers that switch a machine off, out of the bytes of its DSDT.
//!
//! They stand in the object `\\_S5` (ACPI 6.5, 7.4.2.6), which every DSDT has as a package of constants;
//! so its bytes are looked for, and no AML is executed.

const NAME: &[u8] = b"_S5_";
/// AML's package, and its constants: zero, one, a byte (ACPI 6.5, 20.2).
const PACKAGE: u8 = 0x12;
const ZERO: u8 = 0x00;
const ONE: u8 = 0x01;
const BYTE: u8 = 0x0a;

/// Returns the values for the SLP_TYP fields of PM1a_CNT and PM1b_CNT.
pub(super) fn soft_off(aml: &[u8]) -> Option<[u8; 2]> {
    let mut names = aml.windows(NAME.len()).enumerate().filter(|(_, bytes)| *bytes == NAME);
    names.find_map(|(at, _)| package(&aml[at + NAME.len()..]))
}

/// Returns the first two elements of the package at the beginning of `aml`.
fn package(aml: &[u8]) -> Option<[u8; 2]> {
    let (&[opcode, length], _) = aml.split_first_chunk()?;
    if opcode != PACKAGE {
        return None;
    }
    // The top bits of a length say how many bytes of it follow; behind it is the number of elements.
    let elements = 2 + usize::from(length >> 6);
    if *aml.get(elements)? < 2 {
        return None;
    }
    let (first, rest) = constant(&aml[elements + 1..])?;
    let (second, _) = constant(rest)?;
    Some([first, second])
}

fn constant(aml: &[u8]) -> Option<(u8, &[u8])> {
    match aml {
        [value @ (ZERO | ONE), rest @ ..] | [BYTE, value, rest @ ..] => Some((*value, rest)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_of_each_form_are_read() {
        // Name (_S5, Package (4) { 5, 1, 0, 0 }), behind something else.
        let aml = b"\x10\x20_SB_\x08_S5_\x12\x07\x04\x0a\x05\x01\x00\x00";
        assert_eq!(soft_off(aml), Some([5, 1]));
        assert_eq!(soft_off(b"_S5_\x12\x06\x04\x00\x00\x00\x00"), Some([0, 0]));
        assert_eq!(soft_off(b"_S5_\x12\x47\x00\x02\x0a\x07\x0a\x07"), Some([7, 7]));
    }

    #[test]
    fn what_is_no_package_of_constants_is_passed_over() {
        assert_eq!(soft_off(b""), None);
        assert_eq!(soft_off(b"_S5"), None);
        assert_eq!(soft_off(b"_S5_"), None);
        assert_eq!(soft_off(b"_S5_\x12"), None);
        assert_eq!(soft_off(b"_S5_\x12\x04\x01\x00\x00"), None, "one element");
        assert_eq!(soft_off(b"_S5_\x12\xff"), None, "cut off");
        assert_eq!(soft_off(b"_S5_\x12\x04\x02\x0b\x00\x00"), None, "a word");
        // A mention of the name before its definition.
        assert_eq!(soft_off(b"_S5_\x70_S5_\x12\x05\x02\x01\x00"), Some([1, 0]));
    }

    #[test]
    fn no_bytes_are_too_few_or_too_strange() {
        for length in 0..6 {
            for byte in 0..=u8::MAX {
                let mut aml = b"_S5_\x12\x00\x02\x0a\x0a\x0a"[..4 + length].to_vec();
                aml.push(byte);
                let _ = soft_off(&aml);
            }
        }
    }
}
