//! Does what a process must not, by name: each ends it, and nobody else.
//!
//! What survives returns the status `SURVIVED`.
#![no_std]
#![no_main]

use core::{
    arch::{asm, global_asm},
    hint::black_box,
};

use xenolith_programs::{
    calls,
    numbers::{MAP_WRITE, USER_END},
    println, program,
};

program!(main);

/// Status of what should have been the end.
const SURVIVED: u8 = 99;
/// Status of nothing done.
const UNKNOWN: u8 = 98;

/// Addresses: of the kernel's text, of the hypervisor's code and tables, of the map of memory, and
/// one that is not canonical.
const KERNEL: u64 = 0xffff_ffff_8010_1000;
const RESIDENT: u64 = 0xffff_8100_0002_0000;
const HOLE: u64 = 0xffff_8000_0000_0000;
const MEMORY: u64 = 0xffff_8800_0000_0000;
const NOT_CANONICAL: u64 = 0x8000_0000_0000;
/// Where a process has nothing.
const NOTHING: u64 = 0x1_2345_6000;

/// What may be done, by name.
type Deed = (&'static str, fn());

/// One that is a few instructions.
macro_rules! deed {
    ($name:literal, $($code:literal),+ $(; $($register:tt = $value:expr),+)?) => {
        ($name, || {
            // SAFETY: whatever it does, it does to this process.
            unsafe { asm!($($code),+, $($(in($register) $value,)+)? out("r15") _) }
        })
    };
}

const DEEDS: &[Deed] = &[
    deed!("hlt", "hlt"),
    deed!("cli", "cli"),
    deed!("sti", "sti"),
    deed!("clts", "clts"),
    deed!("invd", "invd"),
    deed!("wbinvd", "wbinvd"),
    deed!("swapgs", "swapgs"),
    deed!("sysret", "sysretq"; "rcx" = NOTHING),
    deed!("sysexit", "sysexit"),
    deed!("sysenter", "sysenter"),
    deed!("lgdt", "lgdt [rsp]"),
    deed!("lidt", "lidt [rsp]"),
    deed!("lldt", "lldt ax"; "rax" = 0_u64),
    deed!("ltr", "ltr ax"; "rax" = 0_u64),
    deed!("lmsw", "lmsw ax"; "rax" = 0_u64),
    deed!("read-cr0", "mov r15, cr0"),
    deed!("read-cr3", "mov r15, cr3"),
    deed!("write-cr0", "mov cr0, rax"; "rax" = 0_u64),
    deed!("write-cr3", "mov cr3, rax"; "rax" = 0_u64),
    deed!("write-cr4", "mov cr4, rax"; "rax" = 0_u64),
    deed!("write-cr8", "mov cr8, rax"; "rax" = 0_u64),
    deed!("read-dr7", "mov r15, dr7"),
    deed!("write-dr7", "mov dr7, rax"; "rax" = 0x400_u64),
    deed!("rdmsr", "rdmsr"; "rcx" = 0xc000_0080_u64),
    deed!("wrmsr", "wrmsr"; "rcx" = 0xc000_0082_u64, "rax" = 0_u64, "rdx" = 0_u64),
    deed!("rdpmc", "rdpmc"; "rcx" = 0_u64),
    deed!("invlpg", "invlpg [rax]"; "rax" = KERNEL),
    deed!("xsetbv", "xsetbv"; "rcx" = 0_u64, "rax" = 1_u64, "rdx" = 0_u64),
    deed!("in", "in al, 0x80"),
    deed!("out", "out 0x80, al"),
    deed!("ins", "insb"; "rdx" = 0x60_u64, "rdi" = NOTHING),
    deed!("outs", "outsb"; "rdx" = 0x60_u64, "rsi" = NOTHING),
    deed!("monitor", "monitor"; "rax" = NOTHING, "rcx" = 0_u64, "rdx" = 0_u64),
    deed!("vmcall", "vmcall"; "rax" = 17_u64),
    deed!("vmlaunch", "vmlaunch"),
    deed!("vmxoff", "vmxoff"),
    deed!("ud2", "ud2"),
    deed!("prefixed-ud2", ".byte 0x0f, 0x0b, 0x78, 0x65, 0x6e", "hlt"),
    deed!("int-80", "int 0x80"),
    deed!("int-e", "int 14"),
    deed!("int3", "int3"),
    deed!("int1", ".byte 0xf1"),
    deed!("divide", "xor eax, eax", "div rax"; "rdx" = 0_u64),
    deed!("trap-flag", "pushfq", "or dword ptr [rsp], 0x100", "popfq", "nop"),
    deed!(
        "trap-flag-syscall",
        "pushfq",
        "or dword ptr [rsp], 0x100",
        "mov eax, 11",
        "popfq",
        "syscall",
        "nop",
        "nop"
    ),
    deed!("alignment", "pushfq", "or dword ptr [rsp], 0x40000", "popfq", "mov rax, [rsp + 1]"),
    deed!("nested-task", "pushfq", "or dword ptr [rsp], 0x4000", "popfq", "iretq"),
    deed!(
        "iret-to-kernel",
        "mov rcx, rsp",
        "push 0xe058",
        "push rcx",
        "push 2",
        "push 0xe050",
        "push rax",
        "iretq";
        "rax" = KERNEL
    ),
    deed!(
        "iret-nowhere",
        "mov rcx, rsp",
        "push 0xe02b",
        "push rcx",
        "push 2",
        "push 0xe033",
        "push rax",
        "iretq";
        "rax" = NOT_CANONICAL
    ),
    deed!("far-return", "push 0xe050", "push rax", "retfq"; "rax" = KERNEL),
    deed!("far-wild", "push 0xfff8", "push rax", "retfq"; "rax" = NOTHING),
    deed!("load-ss", "mov ss, ax"; "rax" = 0xe058_u64),
    deed!("load-ds", "mov ds, ax"; "rax" = 0xe050_u64),
    deed!(
        "x87",
        "sub rsp, 8",
        "mov word ptr [rsp], 0x300",
        "fldcw [rsp]",
        "fldz",
        "fld1",
        "fdivrp",
        "fwait"
    ),
    deed!(
        "sse",
        "sub rsp, 8",
        "mov dword ptr [rsp], 0",
        "ldmxcsr [rsp]",
        "xorps xmm0, xmm0",
        "divss xmm0, xmm0"
    ),
    deed!("null", "mov r15, [rax]"; "rax" = 0_u64),
    deed!("null-write", "mov [rax], rax"; "rax" = 0_u64),
    deed!("null-call", "call rax"; "rax" = 0_u64),
    deed!("nothing", "mov r15, [rax]"; "rax" = NOTHING),
    deed!("kernel-read", "mov r15, [rax]"; "rax" = KERNEL),
    deed!("kernel-write", "mov [rax], rax"; "rax" = KERNEL),
    deed!("kernel-call", "call rax"; "rax" = KERNEL),
    deed!("resident-read", "mov r15, [rax]"; "rax" = RESIDENT),
    deed!("resident-call", "call rax"; "rax" = RESIDENT),
    deed!("hole-read", "mov r15, [rax]"; "rax" = HOLE),
    deed!("memory-read", "mov r15, [rax]"; "rax" = MEMORY),
    deed!("memory-write", "mov [rax], rax"; "rax" = MEMORY),
    deed!("far-read", "mov r15, [rax]"; "rax" = NOT_CANONICAL),
    deed!("far-call", "jmp rax"; "rax" = NOT_CANONICAL),
    deed!("far-stack", "mov rsp, rax", "push rax"; "rax" = NOT_CANONICAL + 0x1000),
    deed!("no-stack", "mov rsp, rax", "push rax"; "rax" = NOTHING),
    deed!("kernel-stack", "mov rsp, rax", "push rax"; "rax" = MEMORY),
    deed!(
        "no-stack-syscall",
        "mov rsp, rsi",
        "syscall",
        "pop rax";
        "rsi" = NOTHING,
        "rax" = 11_u64
    ),
    deed!(
        "kernel-stack-syscall",
        "mov rsp, rsi",
        "syscall",
        "pop rax";
        "rsi" = KERNEL,
        "rax" = 11_u64
    ),
    deed!("text-write", "lea rax, [rip]", "mov [rax], rax"),
    deed!("stack-call", "push 0xc3", "call rsp"),
    ("constant-write", || {
        static CONSTANT: u64 = 5;
        let address = core::ptr::from_ref(black_box(&CONSTANT)).cast_mut();
        // SAFETY: whatever it does, it does to this process.
        unsafe { address.write_volatile(6) };
    }),
    ("map-write", || {
        let address = calls::map(4096, 0).unwrap_or_default();
        // SAFETY: as above.
        unsafe { asm!("mov [rax], rax", in("rax") address) }
    }),
    ("unmapped", || {
        let address = calls::map(4096, MAP_WRITE).unwrap_or_default();
        // SAFETY: as above: it can be written before and not afterwards.
        unsafe { asm!("mov [rax], rax", in("rax") address) }
        // SAFETY: as above.
        let _ = unsafe { calls::unmap(address, 4096) };
        // SAFETY: as above.
        unsafe { asm!("mov [rax], rax", in("rax") address) }
    }),
    ("overflow", || _ = recurse(0)),
    ("below-stack", || {
        // SAFETY: as above.
        unsafe { asm!("sub rsp, 0x180000", "push rax", options(noreturn)) }
    }),
    ("last-syscall", || {
        // SAFETY: as above.
        unsafe { asm!("jmp rcx", in("rcx") USER_END - 2, in("rax") 11, options(noreturn)) }
    }),
    ("memory-hog", || {
        let mut address = calls::map(1 << 30, MAP_WRITE).unwrap_or_default();
        loop {
            // SAFETY: as above.
            unsafe { asm!("mov [rax], rax", in("rax") address) }
            address += 4096;
        }
    }),
];

// SYSCALL in the last two bytes that a process can execute: it returns to where it has nothing.
global_asm!(".pushsection .end_of_space, \"ax\"", ".fill 4094, 1, 0x90", "syscall", ".popsection",);

#[inline(never)]
#[expect(unconditional_recursion, reason = "it ends with the stack")]
fn recurse(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    recurse(black_box(depth + 1)) + frame[1]
}

fn main(name: &'static [u8]) -> u8 {
    if let Some(status) = name.strip_prefix(b"status ") {
        return status.iter().fold(0, |all, digit| all * 10 + (digit - b'0'));
    }
    let Some((_, deed)) = DEEDS.iter().find(|(known, _)| known.as_bytes() == name) else {
        println!("misbehave: {}: no such deed", name.escape_ascii());
        return UNKNOWN;
    };
    deed();
    println!("misbehave: {}: survived", name.escape_ascii());
    SURVIVED
}
