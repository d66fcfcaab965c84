//! The hypercall page: one stub per number (`xen/public/arch-x86/xen.h`).

use xenolith_abi::hypercall::{PAGE_STUB_BYTES, PAGE_STUBS};

/// Bytes in the page.
pub const PAGE_BYTES: usize = PAGE_STUBS * PAGE_STUB_BYTES;

/// mov eax, imm32
const MOV_EAX: u8 = 0xb8;
const VMCALL: [u8; 3] = [0x0f, 0x01, 0xc1];
const RET: u8 = 0xc3;
const INT3: u8 = 0xcc;

/// Returns the stub for `number`: it loads the number into eax, makes the call, and returns.
pub fn stub(number: u32) -> [u8; PAGE_STUB_BYTES] {
    let mut code = [INT3; PAGE_STUB_BYTES];
    code[0] = MOV_EAX;
    code[1..5].copy_from_slice(&number.to_le_bytes());
    code[5..8].copy_from_slice(&VMCALL);
    code[8] = RET;
    code
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
        assert_eq!(page[17 * 32..17 * 32 + 10], [0xb8, 17, 0, 0, 0, 0x0f, 1, 0xc1, 0xc3, 0xcc]);
        assert_eq!(page[127 * 32 + 1], 127);
    }
}
