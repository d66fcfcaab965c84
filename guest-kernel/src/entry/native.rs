//! Entries on bare hardware, where the processor's own frame has to be made ours.
//!
//! ```text
//! by the processor:   [error_code] rip cs rflags rsp ss
//! by a stub:          cause rcx r11 error_code rip cs rflags rsp ss
//! ```
//!
//! In the kernel GS leads to the CPU's area (`native/cpu_area`): what comes from a process exchanges it.

mod handlers;
mod nmi;
mod paranoid;
mod syscall;

use core::arch::naked_asm;

pub(crate) use syscall::{process_call_address, syscall_address};
use x86_64::VirtAddr;

use super::{
    Cause, Vector,
    common::entry_with,
    smap::{self, forbid_user_access},
    vectors::{STUB_BYTES, VECTORS, WITH_ERROR_CODE},
};
use crate::native::{cpu_area, interrupts};

/// The vector of non-maskable interrupts.
const NMI: u8 = 2;

/// Vectors that come also where nothing of the kernel's is in place yet: #DB, #DF, #MC.
const PARANOID: u32 = 1 << 1 | 1 << 8 | 1 << 18;

/// Vectors of what IRETQ to a process can raise when GS is the process's already: #NP, #SS, #GP.
const FIRST_OF_IRET: u8 = 11;
const LAST_OF_IRET: u8 = 13;

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
        ".if xenolith_guest_vector == {nmi_vector}",
        "jmp {nmi}",
        ".elseif !(xenolith_guest_vector / 32) && (({of_paranoid} >> xenolith_guest_vector) & 1)",
        "jmp {paranoid}",
        ".else",
        "jmp {exception}",
        ".endif",
        ".set xenolith_guest_vector, xenolith_guest_vector + 1",
        ".endr",
        bytes = const STUB_BYTES,
        vectors = const VECTORS,
        with_error_code = const WITH_ERROR_CODE,
        nmi_vector = const NMI,
        of_paranoid = const PARANOID,
        nmi = sym nmi::nmi,
        paranoid = sym paranoid::paranoid,
        exception = sym exception,
    )
}

entry_with! {
    /// Handles an exception.
    common calls handlers::exception
}
entry_with! {
    /// Handles an interrupt of a device.
    common_interrupt calls handlers::interrupt
}

/// Has the kernel's GS loaded at an exception.
///
/// # Safety
///
/// Only stubs jump here, with their words on the stack.
#[unsafe(naked)]
#[unsafe(link_section = ".noinstr.text")]
unsafe extern "C" fn exception() {
    naked_asm!(
        forbid_user_access!(),
        "test byte ptr [rsp + {cs}], 3",
        "je 2f",
        "swapgs",
        "jmp {common}",
        "2: movzx ecx, byte ptr [rsp]",
        "sub ecx, {first}",
        "cmp ecx, {last} - {first}",
        "ja 3f",
        "push rax",
        "push rdx",
        "mov ecx, {gs_base}",
        "rdmsr",
        "test edx, edx",
        "pop rdx",
        "pop rax",
        "js 3f",
        "swapgs",
        "3: jmp {common}",
        cs = const paranoid::CS,
        first = const FIRST_OF_IRET,
        last = const LAST_OF_IRET,
        gs_base = const cpu_area::GS_BASE,
        smap = sym smap::IS_ON,
        common = sym common,
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
                forbid_user_access!(),
                "test byte ptr [rsp + {cs}], 3",
                "je 2f",
                "swapgs",
                "2: jmp {entry}",
                smap = sym smap::IS_ON,
                cs = const paranoid::CS,
                vector = const $vector,
                cause = const Cause::EVENT,
                entry = sym common_interrupt,
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
