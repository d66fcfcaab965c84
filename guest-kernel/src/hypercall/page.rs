//! The hypercall page: one 32-byte stub per hypercall number.
//!
//! The domain builder fills it for a kernel with a HYPERCALL_PAGE note. A kernel without one gets
//! stubs of our own here, so that the rest of the library need not know the difference.

use core::arch::naked_asm;

use x86_64::VirtAddr;
use xenolith_abi::hypercall::IRET;

use crate::static_pages::PAGE_BYTES;

/// Bytes of a stub.
pub const STUB_BYTES: usize = 32;

/// Number of stubs in the page.
pub const STUBS: u32 = 128;

/// Bytes of a stub that code takes.
const STUB_USED: usize = 14;

/// What the page holds where nobody filled it: `int3`.
const EMPTY: u8 = 0xcc;

/// The page itself; the stub for number `n` is at `n * STUB_BYTES`.
///
/// # Safety
///
/// Not to be called: its address is what matters.
#[unsafe(naked)]
#[unsafe(link_section = ".text.hypercall_page")]
pub unsafe extern "C" fn stubs() {
    naked_asm!(
        ".balign {page}",
        ".fill {page}, 1, {empty}",
        page = const PAGE_BYTES,
        empty = const EMPTY,
    )
}

/// Returns where the page is.
#[expect(clippy::fn_to_numeric_cast_any, reason = "entered as code, filled as data")]
pub fn address() -> VirtAddr {
    VirtAddr::from_ptr(stubs as *const u8)
}

/// Returns whether the domain builder left the page as it is in the image.
fn is_empty() -> bool {
    // SAFETY: the page is part of the image and readable; its content may have been replaced
    // after linking, hence the volatile access.
    unsafe { address().as_ptr::<u8>().read_volatile() == EMPTY }
}

/// Writes stubs of our own if the domain builder has filled in none.
///
/// Runs before the image's text becomes read-only.
pub(crate) fn fill_if_empty() {
    if !is_empty() {
        return;
    }
    fill(stub);
}

/// Writes stubs that answer `-ENOSYS`: for kernels without a hypervisor.
///
/// Runs before the image's text becomes read-only.
#[cfg(target_os = "none")]
pub(crate) fn fill_with_refusals() {
    fill(|number| if number == IRET { REFUSED_IRET } else { REFUSAL });
}

fn fill(stub: fn(u32) -> [u8; STUB_USED]) {
    for number in 0..STUBS {
        let at = address()
            .as_mut_ptr::<[u8; STUB_USED]>()
            .wrapping_byte_add(number as usize * STUB_BYTES);
        // SAFETY: the stub is inside the page, which is writable still and not executed yet.
        unsafe { at.write_volatile(stub(number)) };
    }
}

/// The code of a stub that refuses: `mov rax, -38; ret`.
#[cfg(target_os = "none")]
const REFUSAL: [u8; STUB_USED] =
    [0x48, 0xc7, 0xc0, 0xda, 0xff, 0xff, 0xff, 0xc3, EMPTY, EMPTY, EMPTY, EMPTY, EMPTY, EMPTY];

/// The stub that is jumped to, and so has no answer: `ud2`.
#[cfg(target_os = "none")]
const REFUSED_IRET: [u8; STUB_USED] = {
    let mut code = [EMPTY; STUB_USED];
    (code[0], code[1]) = (0x0f, 0x0b);
    code
};

#[cfg(target_os = "none")]
const _: () = assert!(xenolith_abi::errno::ENOSYS == 38);

/// Returns the code of a stub, with what SYSCALL overwrites put back:
/// `push rcx; push r11; mov eax, number; syscall; pop r11; pop rcx; ret`.
///
/// That of iret is jumped to and does not come back:
/// `push rcx; push r11; push rax; mov eax, number; syscall`.
fn stub(number: u32) -> [u8; STUB_USED] {
    let [a, b, c, d] = number.to_le_bytes();
    if number == IRET {
        return [0x51, 0x41, 0x53, 0x50, 0xb8, a, b, c, d, 0x0f, 0x05, EMPTY, EMPTY, EMPTY];
    }
    [0x51, 0x41, 0x53, 0xb8, a, b, c, d, 0x0f, 0x05, 0x41, 0x5b, 0x59, 0xc3]
}
