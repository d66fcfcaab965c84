//! The entry of processes' system calls under Xenolith, which saves what a call may change and no more.
//!
//! Rust preserves RBX, RBP and R12 to R15, so they stay in the registers: also over a change of tasks,
//! which saves them on the stack. RCX and R11 are lost to SYSCALL anyway. Nothing but the process
//! itself goes on behind the call, so the way out is known from the start.

use core::{arch::naked_asm, mem::offset_of};

use x86_64::VirtAddr;

use super::handlers;
use crate::pvops::{self, Op, Registers};

/// The registers of a process at a system call.
///
/// ```text
/// low    r10 ... rdi    pushed by our entry
///        way_out        two words that are free, then rcx and r11 as the hypervisor pushed them:
///                       taken by the way out
///        rip ... ss     by the hypervisor
/// ```
#[derive(Clone, Copy, Debug)]
#[repr(C)]
#[expect(missing_docs, reason = "the registers' own names")]
pub struct ProcessCall {
    pub r10: u64,
    pub r9: u64,
    pub r8: u64,
    /// The number of the call, and its result.
    pub rax: u64,
    pub rdx: u64,
    pub rsi: u64,
    pub rdi: u64,
    way_out: [u64; 4],
    pub rip: u64,
    pub cs: u64,
    pub rflags: u64,
    pub rsp: u64,
    pub ss: u64,
}

// The entry calls Rust with the stack where this begins; the hypervisor aligns its end.
const _: () = assert!(size_of::<ProcessCall>().is_multiple_of(16));
const _: () = assert!(offset_of!(ProcessCall, way_out) == 7 * 8);

/// Where SYSCALL of processes goes.
///
/// # Safety
///
/// Only the hypervisor enters here, with a system call's frame on the stack; the direction flag is
/// clear.
#[unsafe(naked)]
#[unsafe(link_section = ".noinstr.text")]
unsafe extern "C" fn process_call() {
    naked_asm!(
        "sub rsp, 2 * 8",
        "push rdi", "push rsi", "push rdx", "push rax",
        "push r8", "push r9", "push r10",
        "mov rdi, rsp",
        "call {handler}",
        "pop r10", "pop r9", "pop r8",
        "pop rax", "pop rdx", "pop rsi", "pop rdi",
        pvops::site_lines!("jmp"),
        // The operation does not return.
        "ud2",
        handler = sym handlers::process_call,
        pv_table = sym pvops::TABLE,
        pv_slot = const Op::UsergsSysret64.index() * size_of::<usize>(),
        pv_padding = const Op::UsergsSysret64.site_bytes() - Op::CALL_BYTES,
        pv_op = const Op::UsergsSysret64.number(),
        pv_length = const Op::UsergsSysret64.site_bytes(),
        pv_changes = const Registers::ALL.bits(),
    )
}

/// Returns where SYSCALL of processes goes.
pub(crate) fn process_call_address() -> VirtAddr {
    super::address(process_call)
}
