//! 32-bit system calls: by `int 0x80` from 64-bit code, and in a process of 32 bits, which makes
//! them by `int 0x80` and by what its kernel offers (SYSENTER, on Intel's processors).

use std::arch::asm;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};

use nix::libc;

use crate::checks::Checks;

/// Where the program is written.
const FILE: &str = "/root/program-of-32-bits";

/// Where it is loaded.
const ADDRESS: u32 = 0x0804_8000;

/// Bytes of an ELF header of 32 bits and one program header.
const HEADERS: u32 = 52 + 32;

/// `_start`: finds `AT_SYSINFO` behind arguments and environment, asks for its process's number by
/// `int 0x80` and by what that says, and ends with 42 if they are the same.
#[rustfmt::skip]
const CODE: &[u8] = &[
    0x89, 0xe6,                               // mov esi, esp
    0xad,                                     // lodsd               argument count
    0x8d, 0x74, 0x86, 0x04,                   // lea esi, [esi+eax*4+4]
    0xad,                                     // lodsd               environment
    0x85, 0xc0,                               // test eax, eax
    0x75, 0xfb,                               // jnz -5
    0xad,                                     // lodsd               auxiliary vector
    0x89, 0xc2,                               // mov edx, eax        type
    0xad,                                     // lodsd               value
    0x83, 0xfa, 0x20,                         // cmp edx, 32         AT_SYSINFO
    0x74, 0x0b,                               // je found
    0x85, 0xd2,                               // test edx, edx
    0x75, 0xf3,                               // jnz -13
    0xbb, 0x01, 0x00, 0x00, 0x00,             // mov ebx, 1          not found
    0xeb, 0x20,                               // jmp exit
    // found:
    0x89, 0xc5,                               // mov ebp, eax
    0xb8, 0x14, 0x00, 0x00, 0x00,             // mov eax, 20         getpid
    0xcd, 0x80,                               // int 0x80
    0x89, 0xc7,                               // mov edi, eax
    0xb8, 0x14, 0x00, 0x00, 0x00,             // mov eax, 20
    0xff, 0xd5,                               // call ebp
    0xbb, 0x02, 0x00, 0x00, 0x00,             // mov ebx, 2
    0x39, 0xf8,                               // cmp eax, edi
    0x75, 0x05,                               // jne exit
    0xbb, 0x2a, 0x00, 0x00, 0x00,             // mov ebx, 42
    // exit:
    0xb8, 0x01, 0x00, 0x00, 0x00,             // mov eax, 1          exit
    0xcd, 0x80,                               // int 0x80
];

/// `_start` of another: SYSCALL, which is no instruction of 32-bit code on Intel's processors; if it
/// goes on, the end with 42.
#[rustfmt::skip]
const SYSCALL: &[u8] = &[
    0xb8, 0x14, 0x00, 0x00, 0x00,             // mov eax, 20         getpid
    0x0f, 0x05,                               // syscall
    0xbb, 0x2a, 0x00, 0x00, 0x00,             // mov ebx, 42
    0xb8, 0x01, 0x00, 0x00, 0x00,             // mov eax, 1          exit
    0xcd, 0x80,                               // int 0x80
];

/// The process's number, by `int 0x80`.
pub(crate) fn getpid() -> u64 {
    const GETPID: u64 = 20;
    let number: u64;
    // SAFETY: the call takes nothing and changes rax only; Linux keeps the other registers.
    unsafe {
        asm!("int 0x80", inlateout("rax") GETPID => number, out("r8") _, out("r9") _,
        out("r10") _, out("r11") _);
    };
    number
}

/// Runs all.
pub(crate) fn run(checks: &mut Checks) {
    checks.check(getpid() == std::process::id().into(), "int 0x80 from 64-bit code");
    for _ in 0..20 {
        let status = status_of(CODE);
        checks.check(
            status.code() == Some(42),
            &format!("a process of 32 bits ends with {status:?}"),
        );
    }
    if is_of_intel() {
        let status = status_of(SYSCALL);
        let is_illegal = status.signal() == Some(libc::SIGILL);
        checks.check(is_illegal, &format!("SYSCALL in 32-bit code is #UD: {status:?}"));
    }
}

/// Runs such a process.
fn status_of(code: &[u8]) -> ExitStatus {
    fs::write(FILE, program(code)).expect("the program can be written");
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(FILE, mode).expect("the program can be made executable");
    Command::new(FILE).status().expect("the program can be started")
}

/// Whether the processor is one that has SYSCALL in 64-bit code only.
fn is_of_intel() -> bool {
    let information = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    information.contains("GenuineIntel")
}

/// The ELF file: one segment that holds it all.
fn program(code: &[u8]) -> Vec<u8> {
    let size = HEADERS + u32::try_from(code.len()).expect("the code is small");
    let mut file = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    // Type, machine; version, entry, program headers, section headers, flags; sizes and counts.
    for value in [2, 3] {
        file.extend(u16::to_le_bytes(value));
    }
    for value in [1, ADDRESS + HEADERS, 52, 0, 0] {
        file.extend(u32::to_le_bytes(value));
    }
    for value in [52, 32, 1, 40, 0, 0] {
        file.extend(u16::to_le_bytes(value));
    }
    // Loadable, offset, addresses, sizes, flags, alignment.
    for value in [1, 0, ADDRESS, ADDRESS, size, size, 5, 0x1000] {
        file.extend(u32::to_le_bytes(value));
    }
    file.extend(code);
    file
}
