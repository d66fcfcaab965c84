//! Entries of exceptions and software interrupts: one stub of 16 bytes for each vector.

use core::arch::naked_asm;

use x86_64::VirtAddr;

use super::{Vector, common};

/// Bytes of a stub.
pub(super) const STUB_BYTES: usize = 16;

/// Vectors for which there is a stub: all of them.
pub(super) const VECTORS: usize = 256;

/// Vectors with an error code: #DF, #TS, #NP, #SS, #GP, #PF, #AC, #CP.
pub(super) const WITH_ERROR_CODE: u32 =
    1 << 8 | 1 << 10 | 1 << 11 | 1 << 12 | 1 << 13 | 1 << 14 | 1 << 17 | 1 << 21;

/// The stubs; vector `n` is entered at `n * STUB_BYTES`.
///
/// Without an error code, a stub puts a zero in its place:
///
/// ```text
/// rcx r11 rip cs rflags rsp ss   →   cause rcx r11 0 rip cs rflags rsp ss
/// ```
///
/// # Safety
///
/// Only the hypervisor enters here, with an exception frame on the stack.
#[unsafe(naked)]
// A section of their own, so that the first is aligned.
#[unsafe(link_section = ".noinstr.text.vectors")]
unsafe extern "C" fn stubs() {
    naked_asm!(
        ".balign {bytes}",
        ".set xenolith_guest_vector, 0",
        ".rept {vectors}",
        ".balign {bytes}",
        // Vectors from 32 upwards are `int n` only, which pushes no error code.
        ".if (xenolith_guest_vector / 32) || !(({with_error_code} >> xenolith_guest_vector) & 1)",
        "pop rcx",
        "pop r11",
        "push 0",
        "push r11",
        "push rcx",
        ".endif",
        // `push imm8`: the vector as a signed byte.
        ".byte 0x6a, xenolith_guest_vector",
        "jmp {common}",
        ".set xenolith_guest_vector, xenolith_guest_vector + 1",
        ".endr",
        bytes = const STUB_BYTES,
        vectors = const VECTORS,
        with_error_code = const WITH_ERROR_CODE,
        common = sym common::exception,
    )
}

/// Returns where a vector's stub is, for a trap table.
#[expect(clippy::fn_to_numeric_cast_any, reason = "the address is what a trap table holds")]
pub fn vector_address(vector: Vector) -> VirtAddr {
    VirtAddr::from_ptr(stubs as *const u8) + u64::from(vector.0) * STUB_BYTES as u64
}
