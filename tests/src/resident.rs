//! The resident as a guest finds it in its memory.

use alloc::vec::Vec;

use xenolith_core::resident::{Header, MAX_TEXT_BYTES};
use xenolith_guest::{probe::memory, x86_64::VirtAddr};

/// Where the number of bytes is in the header.
const TEXT_BYTES: u64 = 8;

/// Reads the code that begins at `start`, with its header.
///
/// # Panics
///
/// If there is no resident.
pub fn read(start: u64) -> (Header, Vec<u8>) {
    let word = |offset| memory::read_u64(VirtAddr::new(start + offset));
    let bytes = word(TEXT_BYTES) & u64::from(u32::MAX);
    assert!(bytes <= MAX_TEXT_BYTES, "the resident is not where the hypervisor says");
    let mut text: Vec<u8> = (0..bytes).step_by(8).flat_map(|at| word(at).to_le_bytes()).collect();
    text.truncate(usize::try_from(bytes).unwrap_or(usize::MAX));
    let header = Header::read(&text).expect("the hypervisor has read it as well");
    (header, text)
}
