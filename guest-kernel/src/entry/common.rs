//! What all entries share: saving every register, calling Rust, and the way back.
//!
//! The way back is an operation of pvops, under Xenolith the `iret` hypercall, made inline. It
//! restores the event mask together with the registers, and when an event waits it becomes the next
//! upcall in place, on the same stack: a flood of events does not make the stack grow.

use core::arch::naked_asm;

use super::{Cause, Frame, handlers};
use crate::{
    context,
    pvops::{self, Op, Registers},
};

/// The lines that load all registers from a frame at RSP but for RCX and R11, and leave RSP behind the
/// last of them.
macro_rules! load_registers {
    () => {
        concat!(
            "pop r15\n pop r14\n pop r13\n pop r12\n pop rbp\n",
            "pop rbx\n pop r10\n pop r9\n pop r8\n",
            "pop rax\n pop rdx\n pop rsi\n pop rdi\n",
        )
    };
}
pub(crate) use load_registers;

/// Defines the part of an entry behind its stub: `extern "C" fn(&mut PtRegs)` is called. Registers
/// being saved, `after` may see to what else the entry needs, and the way back need not be [`leave`].
///
/// ```text
/// on the stack:   cause rcx r11 error_code rip cs rflags rsp ss
/// ```
macro_rules! entry_with {
    ($(#[$doc:meta])* $name:ident calls $handler:path) => {
        $crate::entry::common::entry_with! {
            $(#[$doc])*
            $name calls $handler, after [], back by $crate::entry::common::leave
        }
    };
    ($(#[$doc:meta])* $name:ident calls $handler:path, after [$($line:expr),*],
     back by $leave:path $(, $($operands:tt)+)?) => {
        $(#[$doc])*
        ///
        /// # Safety
        ///
        /// Only entry stubs jump here, with the words above on the stack.
        #[unsafe(naked)]
        #[unsafe(link_section = ".noinstr.text")]
        pub(super) unsafe extern "C" fn $name() {
            core::arch::naked_asm!(
                "push rdi", "push rsi", "push rdx", "push rax",
                "push r8", "push r9", "push r10", "push rbx",
                "push rbp", "push r12", "push r13", "push r14", "push r15",
                // Rust assumes the direction flag clear.
                "cld",
                $($line,)*
                // Auxiliary state below the registers, which `PtRegs::auxiliary` finds there. The
                // stack is aligned behind it: see `ExtendedPtRegs`.
                "mov rdi, rsp",
                "push 0",
                "push 0",
                "call {handler}",
                "add rsp, {auxiliary}",
                "jmp {leave}",
                auxiliary = const $crate::pt_regs::ExtendedPtRegs::AUXILIARY_BYTES,
                handler = sym $handler,
                leave = sym $leave,
                $($($operands)+)?
            )
        }
    };
}
pub(super) use entry_with;

entry_with! {
    /// Handles an exception.
    exception calls handlers::exception
}
entry_with! {
    /// Handles an upcall.
    event calls handlers::event
}
entry_with! {
    /// Handles a system call.
    system_call calls handlers::system_call
}
entry_with! {
    /// Handles a non-maskable interrupt.
    nmi calls handlers::nmi
}

/// Defines a way back by an operation that takes what is left of a frame.
macro_rules! leave_by {
    ($(#[$doc:meta])* $name:ident: $op:expr) => {
        $(#[$doc])*
        ///
        /// # Safety
        ///
        /// RSP must point to a [`Frame`] whose registers may continue.
        #[unsafe(naked)]
        #[unsafe(link_section = ".noinstr.text")]
        pub(super) unsafe extern "C" fn $name() {
            naked_asm!(
                $crate::entry::common::load_registers!(),
                pvops::site_lines!("jmp"),
                // The operation does not return.
                "ud2",
                pv_table = sym pvops::TABLE,
                pv_slot = const $op.index() * size_of::<usize>(),
                pv_padding = const $op.site_bytes() - Op::CALL_BYTES,
                pv_op = const $op.number(),
                pv_length = const $op.site_bytes(),
                pv_changes = const Registers::ALL.bits(),
            )
        }
    };
}

leave_by! {
    /// Continues what the frame at RSP describes.
    leave: Op::Iret
}

leave_by! {
    /// Continues a process behind SYSCALL: its RCX and R11 become RIP and RFLAGS.
    leave_behind_syscall: Op::UsergsSysret64
}

/// Continues what a frame describes, on a copy of it below the caller's stack.
///
/// # Safety
///
/// The frame's registers must be ones that may continue.
pub unsafe fn continue_with(frame: *const Frame) -> ! {
    // SAFETY: the caller gives a frame.
    let to_user = unsafe { (*frame).is_user() };
    if to_user {
        // An upcall from here on finds, and leaves, a vCPU that RCU does not watch.
        context::current().watching.stop();
    }
    // SAFETY: promised by the caller.
    unsafe { load(frame, leave) }
}

/// Continues a process behind SYSCALL, as [`continue_with`] does, but its RCX and R11 are changed.
///
/// # Safety
///
/// As for [`continue_with`], with a frame of 64-bit user mode whose RIP is canonical.
pub unsafe fn continue_behind_syscall(frame: *const Frame) -> ! {
    context::current().watching.stop();
    // SAFETY: promised by the caller.
    unsafe { load(frame, leave_behind_syscall) }
}

/// Copies the frame and leaves through the copy, by `leave`.
///
/// # Safety
///
/// As for [`continue_with`].
#[unsafe(naked)]
unsafe extern "C" fn load(_frame: *const Frame, _leave: unsafe extern "C" fn()) -> ! {
    naked_asm!(
        "sub rsp, {bytes}",
        "mov rdx, rsi",
        "mov rsi, rdi",
        "mov rdi, rsp",
        "mov ecx, {words}",
        "cld",
        "rep movsq",
        "jmp rdx",
        bytes = const size_of::<Frame>(),
        words = const size_of::<Frame>() / 8,
    )
}

/// Defines an entry that the hypervisor enters without an error code, other than by a vector.
macro_rules! stub {
    ($(#[$doc:meta])* $name:ident, $cause:expr, $entry:path) => {
        $(#[$doc])*
        ///
        /// # Safety
        ///
        /// Only the hypervisor enters here, with a frame without error code on the stack.
        #[unsafe(naked)]
        #[unsafe(link_section = ".noinstr.text")]
        pub(super) unsafe extern "C" fn $name() {
            naked_asm!(
                "pop rcx",
                "pop r11",
                "push 0",
                "push r11",
                "push rcx",
                "push {cause}",
                "jmp {entry}",
                cause = const $cause,
                entry = sym $entry,
            )
        }
    };
}

stub! {
    /// Where upcalls go.
    upcall, Cause::EVENT, event
}
stub! {
    /// Where SYSCALL in user mode goes.
    syscall, Cause::SYSTEM_CALL, system_call
}
stub! {
    /// Where a non-maskable interrupt with a callback of its own goes.
    nmi_callback, Cause::NMI, nmi
}
