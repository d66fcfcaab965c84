//! Exceptions that may come between any two instructions: #DB, #DF, #MC, on bare hardware.
//!
//! Also between SYSCALL and SWAPGS, or between SWAPGS and SYSRET, where the kernel runs with the stack
//! and the GS of a process. So their gates have stacks of their own, and which GS it is tells its base.
//!
//! A second one of the kernel's on the same stack would write over the first: a kernel sets no
//! breakpoint on what its handler of #DB does. Those of a process go on where all its entries do.

use core::{arch::naked_asm, mem::offset_of};

use super::{common, handlers};
use crate::{
    entry::{
        Frame,
        common::{entry_with, load_registers},
        smap::{self, forbid_user_access},
    },
    native::cpu_area,
};

/// Offset of the code selector from the word `cause`.
pub(super) const CS: usize = offset_of!(Frame, cs) - offset_of!(Frame, cause);
/// Offset of the instruction pointer from it.
pub(super) const RIP: usize = offset_of!(Frame, rip) - offset_of!(Frame, cause);

/// The lines that leave the kernel's GS, and in EBX whether they had to exchange it; RAX, RCX and RDX
/// are lost.
macro_rules! kernel_gs {
    () => {
        concat!(
            "mov ecx, {gs_base}\n",
            "rdmsr\n",
            "xor ebx, ebx\n",
            "test edx, edx\n",
            "js 2f\n",
            "swapgs\n",
            "inc ebx\n",
            "2:\n",
        )
    };
}
pub(super) use kernel_gs;

/// The lines that undo [`kernel_gs`], with the frame at RSP; on the way to a process it is always to be
/// exchanged, whatever the handler has made of the frame.
macro_rules! gs_as_it_was {
    () => {
        concat!(
            "test byte ptr [rsp + {frame_cs}], 3\n",
            "jne 2f\n",
            "test ebx, ebx\n",
            "je 3f\n",
            "2: swapgs\n",
            "3:\n",
        )
    };
}
pub(super) use gs_as_it_was;

/// The lines that load all that IRETQ does not from the frame at RSP, and leave RSP where IRETQ wants
/// it.
macro_rules! load_frame {
    () => {
        concat!(
            gs_as_it_was!(),
            load_registers!(),
            "mov rcx, [rsp + 8]\n",
            "mov r11, [rsp + 16]\n",
            "add rsp, {rip}\n",
        )
    };
}
pub(super) use load_frame;

/// The lines that push the words of a stub and of the CPU again, which are at RCX.
macro_rules! copy_words {
    () => {
        concat!(
            "push [rcx + 64]\n push [rcx + 56]\n push [rcx + 48]\n push [rcx + 40]\n",
            "push [rcx + 32]\n push [rcx + 24]\n push [rcx + 16]\n push [rcx + 8]\n",
            "push [rcx]\n",
        )
    };
}
pub(super) use copy_words;

/// Decides by what was interrupted.
///
/// # Safety
///
/// Only stubs of gates with a stack of their own jump here, with the words of a stub on it.
#[unsafe(naked)]
#[unsafe(link_section = ".noinstr.text")]
pub(super) unsafe extern "C" fn paranoid() {
    naked_asm!(
        forbid_user_access!(),
        "test byte ptr [rsp + {cs}], 3",
        "jne 2f",
        "jmp {of_kernel}",
        // A process: it may be its last exception, so the stack must be one that can be left.
        "2: swapgs",
        "mov rcx, rsp",
        "mov rsp, gs:[{kernel_stack}]",
        copy_words!(),
        "jmp {of_process}",
        smap = sym smap::IS_ON,
        cs = const CS,
        kernel_stack = const cpu_area::KERNEL_STACK,
        of_kernel = sym of_kernel,
        of_process = sym common,
    )
}

entry_with! {
    /// Handles one that has interrupted the kernel.
    of_kernel calls handlers::exception, after [kernel_gs!()], back by leave,
    gs_base = const cpu_area::GS_BASE,
}

/// Continues what the frame at RSP describes.
///
/// # Safety
///
/// RSP must point to a [`Frame`], and EBX be as [`kernel_gs`] has left it.
#[unsafe(naked)]
#[unsafe(link_section = ".noinstr.text")]
unsafe extern "C" fn leave() {
    naked_asm!(
        load_frame!(),
        "iretq",
        frame_cs = const offset_of!(Frame, cs),
        rip = const RIP,
    )
}
