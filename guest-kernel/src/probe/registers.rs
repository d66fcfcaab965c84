//! All general-purpose registers at once, loaded before and stored after one instruction.

use core::{arch::naked_asm, mem::offset_of};

use crate::{
    abi::hypercall,
    hypercall::page::{self, STUB_BYTES},
};

/// The general-purpose registers but RSP, and the flags.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[repr(C)]
#[expect(missing_docs, reason = "the registers' own names")]
pub struct Registers {
    pub rax: u64,
    pub rbx: u64,
    pub rcx: u64,
    pub rdx: u64,
    pub rsi: u64,
    pub rdi: u64,
    pub rbp: u64,
    pub r8: u64,
    pub r9: u64,
    pub r10: u64,
    pub r11: u64,
    pub r12: u64,
    pub r13: u64,
    pub r14: u64,
    pub r15: u64,
    pub rflags: u64,
}

impl Registers {
    /// Returns registers that all differ, with flags that do no harm.
    pub fn pattern(seed: u64) -> Self {
        let mut value = seed;
        let mut next = || {
            value = value.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            value
        };
        Self {
            rax: next(),
            rbx: next(),
            rcx: next(),
            rdx: next(),
            rsi: next(),
            rdi: next(),
            rbp: next(),
            r8: next(),
            r9: next(),
            r10: next(),
            r11: next(),
            r12: next(),
            r13: next(),
            r14: next(),
            r15: next(),
            rflags: 0x2 | (next() & ARITHMETIC_FLAGS),
        }
    }
}

/// Instructions of [`nops`].
pub const NOPS: u64 = 64;

/// CF, PF, AF, ZF, SF and OF.
pub const ARITHMETIC_FLAGS: u64 = 0x8d5;

macro_rules! around {
    ($(#[$doc:meta])* $name:ident, $instruction:literal $(, $($operand:tt)+)?) => {
        $(#[$doc])*
        pub fn $name(registers: &mut Registers) {
            #[unsafe(naked)]
            unsafe extern "C" fn exchange(_registers: *mut Registers) {
                exchange_body!($instruction $(, $($operand)+)?)
            }
            // SAFETY: the function keeps to the calling convention and accesses only what it is
            // given; for the instruction between, see the module `probe`.
            unsafe { exchange(registers) }
        }
    };
}

/// The body of a naked function that executes one instruction with the given registers.
///
/// ```text
/// stack while the instruction runs:   registers | r15 r14 r13 r12 rbp rbx | return address
/// ```
macro_rules! exchange_body {
    ($instruction:literal $(, $($operand:tt)+)?) => {
        naked_asm!(
            "push rbx", "push rbp", "push r12", "push r13", "push r14", "push r15",
            "push rdi",
            "push [rdi + {rflags}]",
            "mov rax, [rdi + {rax}]", "mov rbx, [rdi + {rbx}]",
            "mov rcx, [rdi + {rcx}]", "mov rdx, [rdi + {rdx}]",
            "mov rsi, [rdi + {rsi}]", "mov rbp, [rdi + {rbp}]",
            "mov r8, [rdi + {r8}]", "mov r9, [rdi + {r8} + 8]",
            "mov r10, [rdi + {r8} + 16]", "mov r11, [rdi + {r8} + 24]",
            "mov r12, [rdi + {r8} + 32]", "mov r13, [rdi + {r8} + 40]",
            "mov r14, [rdi + {r8} + 48]", "mov r15, [rdi + {r8} + 56]",
            "mov rdi, [rdi + {rdi}]",
            "popfq",
            $instruction,
            // Everything below must leave unchanged what it has not stored yet.
            "pushfq",
            "push rdi",
            "mov rdi, [rsp + 16]",
            "mov [rdi + {rax}], rax", "mov [rdi + {rbx}], rbx",
            "mov [rdi + {rcx}], rcx", "mov [rdi + {rdx}], rdx",
            "mov [rdi + {rsi}], rsi", "mov [rdi + {rbp}], rbp",
            "mov [rdi + {r8}], r8", "mov [rdi + {r8} + 8], r9",
            "mov [rdi + {r8} + 16], r10", "mov [rdi + {r8} + 24], r11",
            "mov [rdi + {r8} + 32], r12", "mov [rdi + {r8} + 40], r13",
            "mov [rdi + {r8} + 48], r14", "mov [rdi + {r8} + 56], r15",
            "pop [rdi + {rdi}]",
            "pop [rdi + {rflags}]",
            "pop rdi",
            "pop r15", "pop r14", "pop r13", "pop r12", "pop rbp", "pop rbx",
            "cld",
            "ret",
            rax = const offset_of!(Registers, rax),
            rbx = const offset_of!(Registers, rbx),
            rcx = const offset_of!(Registers, rcx),
            rdx = const offset_of!(Registers, rdx),
            rsi = const offset_of!(Registers, rsi),
            rdi = const offset_of!(Registers, rdi),
            rbp = const offset_of!(Registers, rbp),
            r8 = const offset_of!(Registers, r8),
            rflags = const offset_of!(Registers, rflags),
            $($($operand)+)?
        )
    };
}

around! {
    /// Executes SYSCALL, a hypercall with the number in RAX; RCX, where the instruction leaves the
    /// address to go on at, is put back.
    syscall_keeping_rcx, "push rcx\n syscall\n pop rcx"
}
around! {
    /// Calls the hypercall page's stub of xen_version.
    xen_version, "call {stubs} + {stub}",
    stubs = sym page::stubs, stub = const hypercall::XEN_VERSION as usize * STUB_BYTES
}
around! {
    /// Calls the hypercall page's stub of sched_op.
    sched_op, "call {stubs} + {stub}",
    stubs = sym page::stubs, stub = const hypercall::SCHED_OP as usize * STUB_BYTES
}
around! {
    /// Calls the hypercall page's last stub, whose number no hypercall has.
    last_stub, "call {stubs} + {stub}",
    stubs = sym page::stubs, stub = const (page::STUBS as usize - 1) * STUB_BYTES
}
around! {
    /// Executes CPUID.
    cpuid, "cpuid"
}
around! {
    /// Reads a byte from the port in DX.
    in_byte, "in al, dx"
}
around! {
    /// Writes AL to the port in DX.
    out_byte, "out dx, al"
}
around! {
    /// Reads the model-specific register in ECX.
    rdmsr, "rdmsr"
}
around! {
    /// Writes the model-specific register in ECX.
    wrmsr, "wrmsr"
}
around! {
    /// Loads CR4 from RAX.
    write_cr4, "mov cr4, rax"
}
around! {
    /// Writes the extended control register in ECX.
    xsetbv, "xsetbv"
}
around! {
    /// Writes back and empties the caches.
    wbinvd, "wbinvd"
}
around! {
    /// Executes SYSCALL, which is a hypercall and loses RCX and R11.
    syscall, "syscall"
}
around! {
    /// Raises #BP and goes on behind it.
    int3, "int3"
}
around! {
    /// Raises #UD; goes on where the handler says.
    ud2, "ud2"
}
around! {
    /// Does nothing, [`NOPS`] times.
    nops, ".rept 64\n nop\n .endr"
}
around! {
    /// Does nothing: what this module itself does to registers.
    nothing, "nop"
}
