//! One exception each, at a place that can be told exactly.
//!
//! When the exception comes, R15 holds the address that its frame must show as RIP: of the
//! instruction for a fault, behind it for a trap. R14 holds RSP.

use core::arch::asm;

macro_rules! sequence {
    ($(#[$doc:meta])* $name:ident, [$($before:literal),*], $($instruction:literal),+) => {
        $(#[$doc])*
        pub fn $name() {
            // SAFETY: see the module `probe`; nothing that compiled code relies on is changed,
            // whether the sequence is gone through or left.
            unsafe {
                asm!(
                    "lea r15, [rip + 2f]",
                    $($before,)*
                    "mov r14, rsp",
                    $($instruction,)+
                    out("rax") _, out("rcx") _, out("rdx") _, out("r14") _, out("r15") _,
                );
            }
        }
    };
}

sequence! {
    /// #DE: divides by zero.
    divide_error, ["xor ecx, ecx"], "2: div rcx"
}
sequence! {
    /// #DB: a single step over a `nop`.
    single_step, ["pushfq", "or qword ptr [rsp], 0x100"], "lea r14, [rsp + 8]", "popfq", "nop", "2:"
}
sequence! {
    /// #BP: INT3.
    breakpoint, [], "int3", "2:"
}
sequence! {
    /// #OF: INT 4.
    overflow, [], "int 4", "2:"
}
sequence! {
    /// #BR: INT 5.
    bound_range, [], "int 5", "2:"
}
sequence! {
    /// #UD: UD2.
    invalid_opcode, [], "2: ud2"
}
sequence! {
    /// #NM where CR0.TS is set: an x87 instruction.
    device_not_available, [], "2: fnop"
}
sequence! {
    /// #GP with the selector: loads one beyond the end of the table.
    wild_selector, ["mov eax, 0xfff8"], "2: mov ds, eax"
}
sequence! {
    /// #SS(0): a stack access at an address that is not canonical.
    stack_fault, ["push rbp", "mov rbp, 0x5eed000000000000"], "2: mov rax, [rbp]", "pop rbp"
}
sequence! {
    /// #GP(0): any other access at an address that is not canonical.
    general_protection, ["mov rax, 0x5eed000000000000"], "2: mov rax, [rax]"
}
sequence! {
    /// #MF: waits for an x87 division by zero that is not masked.
    x87_error,
    ["fninit", "push 0x37b", "fldcw [rsp]", "add rsp, 8", "fldz", "fld1", "fdivrp st(1), st"],
    "2: fwait", "fninit"
}
sequence! {
    /// #XM: an SSE division by zero that is not masked.
    vector_error,
    ["push 0x1d80", "ldmxcsr [rsp]", "add rsp, 8", "mov eax, 0x3f800000", "movd xmm1, eax",
     "xorps xmm0, xmm0"],
    "2: divss xmm1, xmm0"
}
sequence! {
    /// `int 2`, which goes where a non-maskable interrupt goes.
    non_maskable, [], "int 2", "2:"
}
sequence! {
    /// `int 0x40`, which goes to a handler.
    software_interrupt, [], "int 0x40", "2:"
}
sequence! {
    /// `int 0x40`, which has no handler.
    refused_interrupt, [], "2: int 0x40"
}

/// #UD with the stack `offset` bytes below where the compiler has it.
pub fn invalid_opcode_with_stack(offset: u64) {
    // SAFETY: as for the sequences.
    unsafe {
        asm!("mov rcx, rsp", "sub rsp, rax", "lea r15, [rip + 2f]", "mov r14, rsp", "2: ud2",
            "mov rsp, rcx", inout("rax") offset => _, out("rcx") _, out("r14") _, out("r15") _);
    }
}
