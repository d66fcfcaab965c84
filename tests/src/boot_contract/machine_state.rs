//! The registers at the kernel's first instruction.

use xenolith_guest::{
    StartInfo,
    abi::xenolith::{KERNEL_CS, KERNEL_SS},
    check, check_eq,
    entry::{self, EntryRegisters},
    paging::BOOT_MAP,
    probe::control,
    scenario::Checks,
};

/// Protection, coprocessor bits, write protection, alignment mask and paging.
const CR0: u64 = 0x8005_0033;

/// PAE and the two bits of SSE, as on Xen, and OSXSAVE.
const CR4: u64 = 0x4_0620;

pub(super) fn check_registers(checks: &mut Checks, start: &StartInfo) {
    let found = entry::registers();
    let wanted = EntryRegisters {
        rsi: start.address().as_u64(),
        rsp: found.rsp,
        rflags: 0x202,
        rax: 0,
        rbx: 0,
        rcx: 0,
        rdx: 0,
        rdi: 0,
        rbp: 0,
        r8_to_r15: [0; 8],
    };
    check_eq!(checks, found, wanted, "registers at entry");
    check_eq!(checks, control::selectors(), [KERNEL_CS, KERNEL_SS, 0, 0, 0, 0], "selectors");
    check_eq!(checks, control::cr0(), CR0, "CR0");
    check_eq!(checks, control::cr4(), CR4, "CR4");
    check_eq!(checks, BOOT_MAP.as_u64() + control::cr3(), start.raw().pt_base, "CR3");
    check!(checks, control::xcr0() & 1 == 1, "XCR0 without x87 state");
}
