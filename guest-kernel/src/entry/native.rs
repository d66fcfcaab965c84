//! Entries on bare hardware, where the processor's own frame has to be made ours.
//!
//! ```text
//! by the processor:   [error_code] rip cs rflags rsp ss
//! by a stub:          cause rcx r11 error_code rip cs rflags rsp ss
//! ```

use core::arch::naked_asm;

use x86_64::VirtAddr;

use super::{
    Cause, Vector, common,
    vectors::{STUB_BYTES, VECTORS, WITH_ERROR_CODE},
};
use crate::{
    abi::segment::{FLAT_USER_CS64, FLAT_USER_SS64},
    native::{interrupts, segments},
};

/// The stubs of exceptions and software interrupts; vector `n` is entered at `n * STUB_BYTES`.
///
/// # Safety
///
/// Only the processor enters here, by a gate.
#[unsafe(naked)]
// A section of their own, so that the first is aligned.
#[unsafe(link_section = ".noinstr.text.native_vectors")]
unsafe extern "C" fn stubs() {
    naked_asm!(
        ".balign {bytes}",
        ".set xenolith_guest_vector, 0",
        ".rept {vectors}",
        ".balign {bytes}",
        // Vectors from 32 upwards are `int n` only, which pushes no error code.
        ".if (xenolith_guest_vector / 32) || !(({with_error_code} >> xenolith_guest_vector) & 1)",
        "push 0",
        ".endif",
        "push r11",
        "push rcx",
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

/// Returns where a vector's stub is, for a gate.
#[expect(clippy::fn_to_numeric_cast_any, reason = "the address is what a gate holds")]
pub(crate) fn vector_address(vector: Vector) -> VirtAddr {
    VirtAddr::from_ptr(stubs as *const u8) + u64::from(vector.0) * STUB_BYTES as u64
}

/// Defines the entry of a device's interrupt. Its vector takes the place of the error code.
macro_rules! interrupt {
    ($(#[$doc:meta])* $name:ident, $vector:expr) => {
        $(#[$doc])*
        ///
        /// # Safety
        ///
        /// Only the processor enters here, by a gate.
        #[unsafe(naked)]
        #[unsafe(link_section = ".noinstr.text")]
        unsafe extern "C" fn $name() {
            naked_asm!(
                "push {vector}",
                "push r11",
                "push rcx",
                "push {cause}",
                "jmp {entry}",
                vector = const $vector,
                cause = const Cause::EVENT,
                entry = sym common::interrupt,
            )
        }
    };
}

interrupt! {
    /// The local APIC's timer.
    timer, interrupts::TIMER
}
interrupt! {
    /// An upcall that the kernel has requested itself.
    request, interrupts::REQUEST
}
interrupt! {
    /// The serial port.
    serial, interrupts::SERIAL
}
interrupt! {
    /// Interrupts that went away, of the local APIC or of the legacy controllers.
    spurious, interrupts::SPURIOUS
}

/// Returns the vectors of devices, and where they enter.
pub(crate) fn interrupts() -> [(u8, VirtAddr); 6] {
    let spurious = super::address(spurious);
    [
        (interrupts::TIMER, super::address(timer)),
        (interrupts::REQUEST, super::address(request)),
        (interrupts::SERIAL, super::address(serial)),
        (interrupts::SPURIOUS, spurious),
        (interrupts::SPURIOUS_PIC[0], spurious),
        (interrupts::SPURIOUS_PIC[1], spurious),
    ]
}

/// Where SYSCALL enters: on the stack of user mode, which is left at once.
///
/// GS is not touched: this kernel reaches nothing through it.
///
/// # Safety
///
/// Only SYSCALL in user mode leads here.
#[unsafe(naked)]
#[unsafe(link_section = ".noinstr.text")]
unsafe extern "C" fn syscall() {
    naked_asm!(
        "mov [rip + {user_stack}], rsp",
        "mov rsp, [rip + {kernel_stack}]",
        "push {ss}",
        "push [rip + {user_stack}]",
        "push r11",
        "push {cs}",
        "push rcx",
        "push 0",
        "push r11",
        "push rcx",
        "push {cause}",
        "jmp {entry}",
        user_stack = sym segments::USER_STACK,
        kernel_stack = sym segments::KERNEL_STACK,
        ss = const FLAT_USER_SS64,
        cs = const FLAT_USER_CS64,
        cause = const Cause::SYSTEM_CALL,
        entry = sym common::system_call,
    )
}

/// Returns where SYSCALL has to enter.
pub(crate) fn syscall_address() -> VirtAddr {
    super::address(syscall)
}
