use super::*;
use proptest::prelude::*;
use std::vec::Vec;

/// A bzImage with one sector of real-mode code and this payload, `gap` bytes behind it.
fn file(gap: u32, payload: &[u8]) -> Vec<u8> {
    let mut file = vec![0; 0x400];
    file[SETUP_SECTORS] = 1;
    file[BOOT_FLAG..][..2].copy_from_slice(&[0x55, 0xaa]);
    file[MAGIC..][..4].copy_from_slice(b"HdrS");
    file[VERSION..][..2].copy_from_slice(&0x20f_u16.to_le_bytes());
    file[PAYLOAD_OFFSET..][..4].copy_from_slice(&gap.to_le_bytes());
    let length = u32::try_from(payload.len()).unwrap();
    file[PAYLOAD_BYTES..][..4].copy_from_slice(&length.to_le_bytes());
    file.resize(file.len() + usize::try_from(gap).unwrap(), 0xcc);
    file.extend_from_slice(payload);
    file
}

#[test]
fn the_payload_is_where_the_header_says() {
    let xz = b"\xfd7zXZ\x00data\x00\x01\x00\x00";
    let file = file(0x2cc, xz);
    assert!(is_bzimage(&file));
    let found = payload(&file).unwrap();
    assert_eq!(found.compression, Compression::Xz);
    assert_eq!((found.bytes, found.unpacked_bytes), (&xz[..10], 0x100));
}

#[test]
fn the_trailer_of_gzip_is_its_own() {
    let gzip = b"\x1f\x8bdata\x02\x00\x00\x00";
    let file = file(0, gzip);
    let found = payload(&file).unwrap();
    assert_eq!((found.bytes, found.unpacked_bytes), (&gzip[..], 2));
}

#[test]
fn a_kernel_that_is_not_compressed_is_all_of_the_payload() {
    let file = file(0, b"\x7fELF1234");
    let found = payload(&file).unwrap();
    assert_eq!(found.compression, Compression::None);
    assert_eq!((found.bytes, found.unpacked_bytes), (&b"\x7fELF1234"[..], 8));
}

#[test]
fn no_sectors_mean_four() {
    let mut file = file(0x600, b"BZh90000");
    file[SETUP_SECTORS] = 0;
    file[PAYLOAD_OFFSET..][..4].fill(0);
    assert_eq!(payload(&file).unwrap().compression, Compression::Bzip2);
}

#[test]
fn other_files_are_no_bzimages() {
    for other in [&b""[..], b"\x7fELF", &[0; 0x400]] {
        assert!(!is_bzimage(other));
        assert!(payload(other).is_err());
    }
}

#[test]
fn damage_is_named() {
    let mut old = file(0, b"\x1f\x8b123456");
    old[VERSION..][..2].copy_from_slice(&0x207_u16.to_le_bytes());
    assert_eq!(payload(&old), Err(BzImageError::TooOld { version: 0x207 }));
    assert!(std::format!("{}", BzImageError::TooOld { version: 0x207 }).contains("2.07"));
    let mut short = file(0, b"\x1f\x8b123456");
    short.pop();
    assert_eq!(payload(&short), Err(BzImageError::Truncated));
    assert_eq!(payload(&file(0, b"BZh")), Err(BzImageError::Truncated));
    assert_eq!(payload(&file(0, b"")), Err(BzImageError::UnknownCompression));
    assert_eq!(payload(&file(0, b"what is this")), Err(BzImageError::UnknownCompression));
    for field in [PAYLOAD_OFFSET, PAYLOAD_BYTES] {
        let mut far = file(0, b"\x1f\x8b123456");
        far[field..][..4].fill(0xff);
        assert_eq!(payload(&far), Err(BzImageError::Truncated), "{field:#x}");
    }
}

proptest! {
    #[test]
    fn any_header_is_survived(
        header in proptest::collection::vec(any::<u8>(), 0..0x260),
        rest in proptest::collection::vec(any::<u8>(), 0..0x2000),
        cut in 0_usize..0x3000,
    ) {
        let mut bytes = file(0, &rest);
        let damaged = header.len().min(bytes.len());
        bytes[..damaged].copy_from_slice(&header[..damaged]);
        bytes.truncate(cut);
        if let Ok(found) = payload(&bytes) {
            prop_assert!(found.bytes.len() <= bytes.len());
        }
        let _ = is_bzimage(&bytes);
    }
}
