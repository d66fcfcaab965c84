//! Ends of a kernel by an exception, with registers that are easy to find in a log.
//!
//! Register `n` of RAX, RBX, RCX, RDX, RSI, RDI, RBP, R8 to R15 (counted from 1) holds
//! `0x5eedc0de_0000_0000 + n * 0x1111`, unless the faulting instruction needs another value.

use core::arch::asm;

/// The address whose access is a page fault: canonical, and never mapped by the builder.
pub const UNMAPPED: u64 = 0x1234_5678_9000;

macro_rules! crash {
    ($(#[$doc:meta])* $name:ident, $($instruction:literal),+) => {
        $(#[$doc])*
        pub fn $name() -> ! {
            // SAFETY: see the module `probe`; nothing in the kernel runs afterwards.
            unsafe {
                asm!(
                    "mov rax, 0x5eedc0de00001111", "mov rbx, 0x5eedc0de00002222",
                    "mov rcx, 0x5eedc0de00003333", "mov rdx, 0x5eedc0de00004444",
                    "mov rsi, 0x5eedc0de00005555", "mov rdi, 0x5eedc0de00006666",
                    "mov rbp, 0x5eedc0de00007777", "mov r8, 0x5eedc0de00008888",
                    "mov r9, 0x5eedc0de00009999", "mov r10, 0x5eedc0de0000aaaa",
                    "mov r11, 0x5eedc0de0000bbbb", "mov r12, 0x5eedc0de0000cccc",
                    "mov r13, 0x5eedc0de0000dddd", "mov r14, 0x5eedc0de0000eeee",
                    "mov r15, 0x5eedc0de0000ffff",
                    $($instruction,)+
                    // The exception did not end the domain: end here, visibly.
                    "2: pause", "jmp 2b",
                    options(noreturn),
                );
            }
        }
    };
}

crash! {
    /// #DE: divides by zero.
    divide_error, "xor ecx, ecx", "div rcx"
}
crash! {
    /// #BP: executes INT3.
    breakpoint, "int3"
}
crash! {
    /// #UD: executes UD2.
    invalid_opcode, "ud2"
}
crash! {
    /// #NP or #GP: loads a selector that no table has.
    wild_selector, "mov ds, ax"
}
crash! {
    /// #SS: addresses the stack segment beyond the canonical range.
    stack_fault, "mov rax, [rbp]"
}
crash! {
    /// #GP(0): loads from a non-canonical address.
    general_protection, "mov rax, [rbx]"
}
crash! {
    /// #PF: stores to [`UNMAPPED`].
    page_fault, "mov rax, 0x123456789000", "mov [rax], rbx"
}
crash! {
    /// #AC cannot happen in ring 0; #MF needs the x87: an unmasked x87 division by zero.
    x87_error, "fninit", "push 0x37b", "fldcw [rsp]", "fldz", "fld1", "fdivrp st(1), st", "fwait"
}
crash! {
    /// A page fault on the stack that would have to hold the exception's frame.
    stack_lost, "mov rsp, 0x123456789000", "push rax"
}
crash! {
    /// A triple fault: an empty interrupt table and an exception.
    triple_fault, "push 0", "push 0", "lidt [rsp]", "int3"
}
