//! SYSCALL on bare hardware: on the stack and with the GS of user mode, which are left at once.

use x86_64::VirtAddr;

use crate::{
    abi::segment::{FLAT_USER_CS64, FLAT_USER_SS64},
    entry::{Cause, common, process_call::process_call},
    native::cpu_area,
};

/// Where SYSCALL of whatever is in ring 3 enters; all registers are saved.
///
/// # Safety
///
/// Only SYSCALL in user mode leads here.
#[unsafe(naked)]
#[unsafe(link_section = ".noinstr.text")]
unsafe extern "C" fn syscall() {
    core::arch::naked_asm!(
        "swapgs",
        "mov gs:[{user_stack}], rsp",
        "mov rsp, gs:[{kernel_stack}]",
        "push {ss}",
        "push qword ptr gs:[{user_stack}]",
        "push r11",
        "push {cs}",
        "push rcx",
        "push 0",
        "push r11",
        "push rcx",
        "push {cause}",
        "jmp {entry}",
        user_stack = const cpu_area::USER_STACK,
        kernel_stack = const cpu_area::KERNEL_STACK,
        ss = const FLAT_USER_SS64,
        cs = const FLAT_USER_CS64,
        cause = const Cause::SYSTEM_CALL,
        entry = sym common::system_call,
    )
}

process_call! {
    /// Where SYSCALL of processes enters.
    of_process, before [
        "swapgs",
        "mov gs:[{user_stack}], rsp",
        "mov rsp, gs:[{kernel_stack}]",
        "push {ss}",
        "push qword ptr gs:[{user_stack}]",
        "push r11",
        "push {cs}",
        "push rcx",
        "sub rsp, 4 * 8"
    ],
    user_stack = const cpu_area::USER_STACK,
    kernel_stack = const cpu_area::KERNEL_STACK,
    ss = const FLAT_USER_SS64,
    cs = const FLAT_USER_CS64,
}

/// Returns where SYSCALL has to enter.
pub(crate) fn syscall_address() -> VirtAddr {
    crate::entry::address(syscall)
}

/// Returns where SYSCALL of processes has to enter.
pub(crate) fn process_call_address() -> VirtAddr {
    crate::entry::address(of_process)
}
