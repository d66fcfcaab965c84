//! Hypercalls with any number and any arguments.

use core::arch::asm;

use crate::hypercall::{Errno, call, page, pieces::call_whole};

/// Makes a hypercall by the SYSCALL instruction, as inline code does; returns RAX.
pub fn syscall(number: u64, arguments: [u64; 5]) -> i64 {
    let [rdi, rsi, rdx, r10, r8] = arguments;
    let result: u64;
    // SAFETY: see the module `probe`; the call changes RAX and what the instruction itself loads,
    // and whatever memory it writes is the scenario's choice.
    unsafe {
        asm!(
            "syscall",
            inout("rax") number => result,
            inout("rdi") rdi => _,
            inout("rsi") rsi => _,
            inout("rdx") rdx => _,
            inout("r10") r10 => _,
            inout("r8") r8 => _,
            out("rcx") _,
            out("r11") _,
        );
    }
    result.cast_signed()
}

/// Makes a hypercall by the SYSCALL instruction while there is no stack; returns RAX.
pub fn without_stack(number: u64, arguments: [u64; 5]) -> i64 {
    let [rdi, rsi, rdx, r10, r8] = arguments;
    let result: u64;
    // SAFETY: as for `syscall`; RSP is put back.
    unsafe {
        asm!(
            "mov r15, rsp",
            "mov rsp, 0x5eed000000000000",
            "syscall",
            "mov rsp, r15",
            inout("rax") number => result,
            inout("rdi") rdi => _,
            inout("rsi") rsi => _,
            inout("rdx") rdx => _,
            inout("r10") r10 => _,
            inout("r8") r8 => _,
            out("rcx") _,
            out("r11") _,
            out("r15") _,
        );
    }
    result.cast_signed()
}

/// Makes a hypercall through the stub for `number` in the hypercall page; returns RAX.
///
/// # Panics
///
/// If the page has no such stub.
pub fn by_page(number: u32, mut arguments: [u64; 5]) -> i64 {
    by_page_in_pieces(number, &mut arguments)
}

/// As [`by_page`]; leaves the arguments as the call does.
///
/// # Panics
///
/// As [`by_page`].
pub fn by_page_in_pieces(number: u32, arguments: &mut [u64; 5]) -> i64 {
    assert!(number < page::STUBS, "the hypercall page has no stub {number}");
    let stub = page::address() + u64::from(number) * page::STUB_BYTES as u64;
    let [rdi, rsi, rdx, r10, r8] = arguments;
    let result: u64;
    // SAFETY: as for `syscall`; the stub is code that returns.
    unsafe {
        asm!(
            "call {stub}",
            stub = in(reg) stub.as_u64(),
            lateout("rax") result,
            inout("rdi") *rdi,
            inout("rsi") *rsi,
            inout("rdx") *rdx,
            inout("r10") *r10,
            inout("r8") *r8,
        );
    }
    result.cast_signed()
}

/// Makes the hypercall `NUMBER` as a kernel does, without a detour.
///
/// # Errors
///
/// The hypervisor's.
pub fn direct<const NUMBER: u32>(arguments: [u64; 3]) -> Result<u64, Errno> {
    // SAFETY: see the module `probe`; what the hypercall changes is the scenario's choice.
    unsafe { call::<NUMBER>(arguments) }
}

/// Makes the hypercall `NUMBER`, which has more than three arguments, likewise.
///
/// # Errors
///
/// The hypervisor's.
pub fn direct_long<const NUMBER: u32>(arguments: [u64; 5]) -> Result<u64, Errno> {
    // SAFETY: as for `direct`.
    unsafe { call_whole::<NUMBER>(arguments) }
}
