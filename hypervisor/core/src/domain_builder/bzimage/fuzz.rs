//! Any bytes as a bzImage.

use super::{
    BOOT_FLAG, Compression, MAGIC, PAYLOAD_BYTES, PAYLOAD_OFFSET, SETUP_SECTORS, VERSION,
    is_bzimage, payload,
};
use std::string::ToString;
use std::vec::Vec;

/// Looks for the kernel in `file`.
pub(crate) fn run(file: &[u8]) {
    let known = is_bzimage(file);
    assert!(!known || file.len() > MAGIC, "a header that is not there");
    match payload(file) {
        Ok(found) => {
            let (start, all) = (found.bytes.as_ptr_range().start, file.as_ptr_range());
            assert!(all.contains(&start) && found.bytes.len() < file.len());
            assert!(!found.compression.to_string().is_empty());
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A small one of each compression.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    Compression::MAGICS.iter().map(|(magic, _)| seed(magic)).collect()
}

fn seed(magic: &[u8]) -> Vec<u8> {
    let mut file = std::vec![0; 0x400];
    file[SETUP_SECTORS] = 1;
    file[BOOT_FLAG..][..2].copy_from_slice(&[0x55, 0xaa]);
    file[MAGIC..][..4].copy_from_slice(b"HdrS");
    file[VERSION..][..2].copy_from_slice(&0x20f_u16.to_le_bytes());
    file[PAYLOAD_OFFSET..][..4].copy_from_slice(&4_u32.to_le_bytes());
    file[PAYLOAD_BYTES..][..4].copy_from_slice(&16_u32.to_le_bytes());
    file.extend([0xcc; 4]);
    file.extend(magic);
    file.resize(0x400 + 4 + 16, 1);
    file
}
