//! A step into user mode, from which this kernel has no way back.

use core::arch::asm;

use x86_64::VirtAddr;

use crate::abi::segment::{FLAT_USER_CS64, FLAT_USER_SS64};

/// Continues at `code` in ring 3, with a number in RAX and arguments in RDI, RSI and RDX.
///
/// The pages of code and stack must be a user's.
pub fn enter(code: VirtAddr, stack: VirtAddr, number: u64, arguments: [u64; 3]) -> ! {
    const FLAGS: u64 = 0x202;
    let [rdi, rsi, rdx] = arguments;
    // SAFETY: see the module `probe`; nothing in the kernel runs afterwards.
    unsafe {
        asm!(
            "push {ss}",
            "push {stack}",
            "push {flags}",
            "push {cs}",
            "push {code}",
            "iretq",
            ss = in(reg) u64::from(FLAT_USER_SS64),
            stack = in(reg) stack.as_u64(),
            flags = in(reg) FLAGS,
            cs = in(reg) u64::from(FLAT_USER_CS64),
            code = in(reg) code.as_u64(),
            in("rax") number,
            in("rdi") rdi,
            in("rsi") rsi,
            in("rdx") rdx,
            options(noreturn),
        );
    }
}
