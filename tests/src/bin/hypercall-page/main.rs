//! The hypercall page as the domain builder fills it, for every kernel with the note.
//!
//! Kernels jump into the middle of the page by number, so each stub must be 32 bytes from the last
//! one and end there; and the page must be the only one written.
//! Expected: 128 stubs, each moving its own number to EAX; the rest of the image as linked.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use xenolith_guest::{
    StartInfo, check_eq,
    hypercall::page::{self, STUB_BYTES, STUBS},
    probe::memory,
    scenario::Checks,
};

xenolith_guest::scenario!(run);

/// Number of the iret stub, which is entered by a jump and has another form on Xen.
const IRET: u32 = 23;

fn run(checks: &mut Checks, _: &'static StartInfo) {
    for number in (0..STUBS).filter(|&number| number != IRET) {
        let stub = page::address() + u64::from(number) * STUB_BYTES as u64;
        let code: [u64; STUB_BYTES / 8] =
            core::array::from_fn(|word| memory::read_u64(stub + word as u64 * 8));
        let mut bytes = [0; STUB_BYTES];
        for (chunk, word) in bytes.chunks_exact_mut(8).zip(code) {
            chunk.copy_from_slice(&word.to_le_bytes());
        }
        let mut load_number = [0xb8, 0, 0, 0, 0];
        load_number[1..].copy_from_slice(&number.to_le_bytes());
        let loads = bytes.windows(5).any(|window| window == load_number);
        check_eq!(checks, loads, true, "stub {number} loads its number: {bytes:x?}");
        check_eq!(checks, bytes.contains(&0xc3), true, "stub {number} returns: {bytes:x?}");
    }
}
