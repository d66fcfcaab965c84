//! The hypercall page: one stub per number (`xen/public/arch-x86/xen.h`).

use arrayvec::ArrayVec;
use xenolith_abi::hypercall::{IRET, PAGE_STUB_BYTES, PAGE_STUBS};

/// Bytes in the page.
pub const PAGE_BYTES: usize = PAGE_STUBS * PAGE_STUB_BYTES;

/// push rcx; push r11
const SAVE: [u8; 3] = [0x51, 0x41, 0x53];
const PUSH_RAX: u8 = 0x50;
/// mov eax, imm32
const MOV_EAX: u8 = 0xb8;
const SYSCALL: [u8; 2] = [0x0f, 0x05];
/// pop r11; pop rcx; ret
const RESTORE: [u8; 4] = [0x41, 0x5b, 0x59, 0xc3];
const INT3: u8 = 0xcc;

/// Returns the stub for `number`: it loads the number into eax, makes the call, and returns with
/// what SYSCALL clobbers restored. That of iret is jumped to and completes the frame.
pub fn stub(number: u32) -> [u8; PAGE_STUB_BYTES] {
    let mut code = ArrayVec::<u8, PAGE_STUB_BYTES>::new();
    code.extend(SAVE);
    if number == IRET {
        code.push(PUSH_RAX);
    }
    code.push(MOV_EAX);
    code.extend(number.to_le_bytes());
    code.extend(SYSCALL);
    if number != IRET {
        code.extend(RESTORE);
    }
    let mut stub = [INT3; PAGE_STUB_BYTES];
    stub[..code.len()].copy_from_slice(&code);
    stub
}

/// Returns the whole page.
pub fn contents() -> [u8; PAGE_BYTES] {
    let mut page = [0; PAGE_BYTES];
    for (number, place) in (0..).zip(page.chunks_exact_mut(PAGE_STUB_BYTES)) {
        place.copy_from_slice(&stub(number));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stub_has_its_number() {
        let page = contents();
        assert_eq!(page.len(), 4096);
        let stub = [0x51, 0x41, 0x53, 0xb8, 17, 0, 0, 0, 0x0f, 5, 0x41, 0x5b, 0x59, 0xc3, 0xcc];
        assert_eq!(page[17 * 32..17 * 32 + 15], stub);
        let iret = [0x51, 0x41, 0x53, 0x50, 0xb8, 23, 0, 0, 0, 0x0f, 5, 0xcc];
        assert_eq!(page[23 * 32..23 * 32 + 12], iret);
        assert_eq!(page[127 * 32 + 4], 127);
    }
}
