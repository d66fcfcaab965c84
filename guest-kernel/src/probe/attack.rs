//! Short sequences of instructions that try to leave the hypervisor with a state it cannot bear.
//!
//! They differ from those of `instruction` in that the single instructions are allowed: it is the
//! state around an exit that is odd.
//! WBINVD is an exit that changes nothing.

use core::arch::{asm, naked_asm};

use x86_64::VirtAddr;

macro_rules! attack {
    ($(#[$doc:meta])* $name:ident, $($text:literal),+ $(,)?) => {
        $(#[$doc])*
        pub fn $name() {
            // SAFETY: see the module `probe`; RSP and SS are as before at the end, if there is one.
            unsafe {
                asm!($($text,)+ out("rax") _, out("rcx") _, out("rdx") _,
                    out("r15") _);
            }
        }
    };
}

attack! {
    /// Exits where MOV to SS holds interrupts and debug exceptions off, many times in a row.
    exits_behind_mov_ss,
    "mov r15d, 1000", "2:",
    "mov ecx, ss", "mov ss, ecx", "wbinvd",
    "mov ecx, ss", "mov ss, ecx", "in al, 0x80",
    "dec r15d", "jnz 2b",
}
attack! {
    /// Exits where STI holds interrupts off, many times in a row.
    exits_behind_sti,
    "mov r15d, 1000", "2:",
    "cli", "sti", "wbinvd",
    "cli", "sti", "in al, 0x80",
    "dec r15d", "jnz 2b",
}
attack! {
    /// Exits with a stack pointer that is no address.
    exits_without_stack,
    "mov r15, rsp",
    "mov rsp, 0x8000000000000000", "wbinvd", "in al, 0x80",
    "mov rsp, -1", "wbinvd", "in al, 0x80",
    "xor esp, esp", "wbinvd", "in al, 0x80",
    "mov rsp, r15",
}
attack! {
    /// Exits with the flags NT, AC, ID, DF and both bits of IOPL set.
    exits_with_odd_flags,
    "pushfq", "pop r15", "push 0x247602", "popfq",
    "wbinvd", "in al, 0x80",
    "push r15", "popfq",
}
attack! {
    /// An exit that is single-stepped, behind a MOV to SS that holds the step's #DB back.
    single_step_behind_mov_ss,
    "mov ecx, ss",
    "pushfq", "or qword ptr [rsp], 0x100", "popfq", "mov ss, ecx", "wbinvd", "nop", "nop",
}
attack! {
    /// A port access that is single-stepped, behind a MOV to SS that holds the step's #DB back.
    single_step_port_behind_mov_ss,
    "mov ecx, ss",
    "pushfq", "or qword ptr [rsp], 0x100", "popfq", "mov ss, ecx", "in al, 0x80", "nop", "nop",
}
attack! {
    /// An exit behind a MOV to SS whose operand has a data breakpoint.
    breakpoint_behind_mov_ss,
    "mov eax, ss", "push rax",
    "mov dr0, rsp", "mov eax, 0xf0403", "mov dr7, rax",
    "mov ss, [rsp]", "wbinvd", "nop", "nop", "pop rax",
}
attack! {
    /// INT1, which is a debug exception of its own kind.
    icebp, ".byte 0xf1"
}
attack! {
    /// Writes DR7 while it is guarded against that.
    guarded_debug_register, "mov eax, 0x2400", "mov dr7, rax", "mov dr7, rax"
}
attack! {
    /// Takes a software interrupt through an interrupt table that is not mapped.
    interrupt_table_unmapped,
    "mov rax, 0x123456789000", "push rax", "push -1", "lidt [rsp + 6]", "int 0x80", "pop rax",
    "pop rax",
}
attack! {
    /// Loads a segment from a descriptor table that is not mapped.
    descriptor_table_unmapped,
    "mov rax, 0x123456789000", "push rax", "push -1", "lgdt [rsp + 6]", "mov eax, 0xe058",
    "mov ss, eax", "pop rax", "pop rax",
}
attack! {
    /// Loads a task register that is busy already.
    busy_task, "mov eax, 0xe040", "ltr ax"
}
attack! {
    /// Loads CR3 with bits that no address has.
    wild_cr3, "mov rax, cr3", "bts rax, 51", "mov cr3, rax"
}
attack! {
    /// Gives FS a base that is no address, through a register that does not exit.
    wild_fs_base, "mov ecx, 0xc0000100", "xor eax, eax", "mov edx, 0x80000000", "wrmsr"
}
attack! {
    /// Switches on half of AVX-512's state.
    half_of_avx512, "xor ecx, ecx", "xor edx, edx", "mov eax, 0x27", "xsetbv"
}
attack! {
    /// Writes an extended control register that does not exist.
    no_such_xcr, "mov ecx, 1", "xor edx, edx", "mov eax, 7", "xsetbv"
}
attack! {
    /// Flushes by PCID.
    invpcid,
    "push 0", "push 0", "xor eax, eax", "invpcid rax, [rsp]", "pop rax", "pop rax"
}
attack! {
    /// Saves supervisor state.
    xsaves,
    "mov r15, rsp", "sub rsp, 4096", "and rsp, -64", "mov eax, 7", "xor edx, edx",
    "xsaves64 [rsp]", "mov rsp, r15",
}

/// What of a context [`enter`] sets: a frame of IRET.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Context {
    /// Instruction pointer.
    pub rip: u64,
    /// Code segment.
    pub cs: u64,
    /// Flags.
    pub rflags: u64,
    /// Stack pointer.
    pub rsp: u64,
    /// Stack segment.
    pub ss: u64,
}

/// Continues in any context, with RCX 4, RDX 0x80 and RDI as given; never comes back.
pub fn enter(context: &Context, rdi: u64) -> ! {
    #[unsafe(naked)]
    unsafe extern "C" fn go(_context: *const Context, _rdi: u64) -> ! {
        naked_asm!("mov rsp, rdi", "mov rdi, rsi", "mov ecx, 4", "mov edx, 0x80", "iretq",)
    }
    // SAFETY: see the module `probe`; nothing in the kernel runs afterwards.
    unsafe { go(context, rdi) }
}

/// Loads a descriptor table of 16 entries.
pub fn load_descriptors(table: VirtAddr) {
    let pointer = x86_64::structures::DescriptorTablePointer { limit: 127, base: table };
    // SAFETY: see the module `probe`; the segments in use stay as they are until they are loaded.
    unsafe { asm!("lgdt [{}]", in(reg) &raw const pointer, options(nostack, readonly)) }
}

/// Continues in ring 3 by the iret hypercall, with RDI as given; never comes back.
pub fn enter_by_hypercall(context: &Context, rdi: u64) -> ! {
    #[unsafe(naked)]
    unsafe extern "C" fn go(_context: *const Context, _rdi: u64) -> ! {
        naked_asm!(
            "push [rdi + 32]",
            "push [rdi + 24]",
            "push [rdi + 16]",
            "push [rdi + 8]",
            "push [rdi]",
            "push 0",
            "push 0",
            "push 0",
            "push 0",
            "mov rdi, rsi",
            "mov eax, 23",
            "syscall",
            "ud2",
        )
    }
    // SAFETY: see the module `probe`; nothing in the kernel runs afterwards.
    unsafe { go(context, rdi) }
}
