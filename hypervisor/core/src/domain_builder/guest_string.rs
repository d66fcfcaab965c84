//! The text of a `__xen_guest` section, which old kernels have in place of notes.
//!
//! `NAME=VALUE` pairs with commas between them. Numbers are written as in C; the hypercall page is
//! given by its page number instead of its address.

use super::image_error::ImageError;
use super::notes::{Form, Notes};
use crate::address::PAGE_SIZE;

/// Reads the text of the section up to its first NUL.
///
/// # Errors
/// If the kernel requires an unknown feature or its hypercall page has no address.
pub(super) fn parse(section: &[u8]) -> Result<Notes<'_>, ImageError> {
    let mut notes = Notes::new(Form::GuestString);
    let mut hypercall_page = None;
    for pair in super::notes::text(section).split(|byte| *byte == b',') {
        let separator = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        let (name, value) = pair.split_at(separator);
        let value = value.strip_prefix(b"=").unwrap_or(value);
        match name {
            b"LOADER" => notes.loader = value,
            b"GUEST_OS" => notes.guest_os = value,
            b"GUEST_VER" => notes.guest_version = value,
            b"XEN_VER" => notes.xen_version = value,
            b"VIRT_BASE" => notes.virt_base = Some(number(value)),
            b"VIRT_ENTRY" => notes.entry = Some(number(value)),
            b"ELF_PADDR_OFFSET" => notes.paddr_offset = Some(number(value)),
            b"HYPERCALL_PAGE" => hypercall_page = Some(number(value)),
            b"FEATURES" => notes.features.add_list(value)?,
            _ => {}
        }
    }
    if let Some(page) = hypercall_page {
        let offset = page.checked_mul(PAGE_SIZE);
        let address = offset.and_then(|o| o.checked_add(notes.virt_base.unwrap_or(0)));
        notes.hypercall_page = Some(address.ok_or(ImageError::HypercallPage)?);
    }
    Ok(notes)
}

/// Reads a number like C's `strtoull` with base 0: as far as it goes, and at most the largest.
fn number(text: &[u8]) -> u64 {
    let (digits, base) = match text {
        [b'0', b'x' | b'X', digits @ ..] => (digits, 16),
        [b'0', digits @ ..] => (digits, 8),
        digits => (digits, 10),
    };
    let values = digits.iter().map_while(|digit| char::from(*digit).to_digit(base));
    values.fold(0, |sum: u64, value| sum.saturating_mul(base.into()).saturating_add(value.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_in_c() {
        for (text, value) in [
            ("0xffffffff80000000", 0xffff_ffff_8000_0000),
            ("0X1f,", 31),
            ("4096", 4096),
            ("017", 15),
            ("08", 0),
            ("", 0),
            ("0x", 0),
            ("12 34", 12),
            ("99999999999999999999", u64::MAX),
        ] {
            assert_eq!(number(text.as_bytes()), value, "{text}");
        }
    }

    #[test]
    fn string_of_a_real_kernel() {
        let text = b"GUEST_OS=Mini-OS,XEN_VER=xen-3.0,VIRT_BASE=0x0,ELF_PADDR_OFFSET=0x0,\
            HYPERCALL_PAGE=0x2,LOADER=generic\0,LOADER=other";
        let notes = parse(text).expect("a good string");
        assert_eq!(notes.guest_os, b"Mini-OS");
        assert_eq!(notes.xen_version, b"xen-3.0");
        assert_eq!(notes.loader, b"generic");
        assert_eq!((notes.virt_base, notes.paddr_offset), (Some(0), Some(0)));
        assert_eq!(notes.hypercall_page, Some(0x2000));
        assert_eq!(notes.entry, None);
    }

    #[test]
    fn hypercall_page_counts_from_the_virtual_base() {
        let notes = parse(b"HYPERCALL_PAGE=3,VIRT_BASE=0xffffffff80000000").expect("a good string");
        assert_eq!(notes.hypercall_page, Some(0xffff_ffff_8000_3000));
        assert_eq!(parse(b"HYPERCALL_PAGE=0xfffffffffffff").err(), None);
        for text in
            ["HYPERCALL_PAGE=-1,VIRT_BASE=1", "HYPERCALL_PAGE=0xfffffffffffff,VIRT_BASE=0x1000"]
        {
            let result = parse(text.as_bytes()).err();
            assert_eq!(result.is_some(), text.contains("0x1000"), "{text}");
        }
    }
}
