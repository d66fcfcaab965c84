//! Non-maskable interrupts on bare hardware, one at a time.
//!
//! The processor holds them back until the next IRET, which may be that of an exception in the handler.
//! Then a second one comes, and begins at the top of the same stack. So nothing of the first may be
//! there any more: it is handled on another stack, to which its words are copied, and a second one does
//! no more than leave a note.
//!
//! ```text
//! STATE 0     none is being handled
//!       1     one is
//!       2     another came meanwhile: it is handled behind the first
//! ```
//!
//! Between the last decrement and IRETQ the state is 0 and the frame still in use. One that comes
//! there, which its RIP tells, has what it interrupts begin again. In front of the copy there must be no
//! exception: nobody sets breakpoints on entry code.

use core::{arch::naked_asm, mem::offset_of, sync::atomic::AtomicU32};

use super::handlers;
use super::paranoid::{CS, RIP, copy_words, gs_as_it_was, kernel_gs, load_frame};
use crate::{
    entry::{
        Frame,
        common::{entry_with, load_registers},
        smap::{self, forbid_user_access},
    },
    native::{cpu_area, segments},
};

/// The first CPU's, as long as kernels start no other.
static STATE: AtomicU32 = AtomicU32::new(0);

/// The word `cause`: the vector.
const CAUSE: i64 = 2;

/// Bytes from the start of [`last`] to where it begins again.
const LAST_BYTES: usize = 16;

/// Where the gate's stub leads.
///
/// # Safety
///
/// Only that stub jumps here, with its words on the gate's stack.
#[unsafe(naked)]
#[unsafe(link_section = ".noinstr.text")]
pub(super) unsafe extern "C" fn nmi() {
    naked_asm!(
        "cmp dword ptr [rip + {state}], 0",
        "jne 4f",
        "mov dword ptr [rip + {state}], 1",
        // Has it come behind the last decrement? The kernel's selector is no process's to have.
        "test byte ptr [rsp + {cs}], 3",
        "jne 2f",
        "mov rcx, [rsp + {rip}]",
        "lea r11, [rip + {last}]",
        "sub rcx, r11",
        "cmp rcx, {last_bytes}",
        "jae 2f",
        "add r11, {last_bytes}",
        "mov [rsp + {rip}], r11",
        "jmp 5f",
        "2: mov rcx, rsp",
        "lea rsp, [rip + {stack} + {stack_bytes}]",
        copy_words!(),
        "jmp {on_stack}",
        "4: mov dword ptr [rip + {state}], 2",
        "5: mov rcx, [rsp + 8]",
        "mov r11, [rsp + 16]",
        "add rsp, {rip}",
        "iretq",
        state = sym STATE,
        cs = const CS,
        rip = const RIP,
        last = sym last,
        last_bytes = const LAST_BYTES,
        stack = sym segments::NMI_HANDLER_STACK,
        stack_bytes = const segments::STACK_BYTES,
        on_stack = sym on_stack,
    )
}

entry_with! {
    /// Handles one, on the stack for it.
    on_stack calls handlers::nmi, after [kernel_gs!(), forbid_user_access!()], back by leave,
    smap = sym smap::IS_ON,
    gs_base = const cpu_area::GS_BASE,
}

/// Loads what the frame at RSP describes.
///
/// # Safety
///
/// RSP must point to a [`Frame`], and EBX be as [`kernel_gs`] has left it.
#[unsafe(naked)]
#[unsafe(link_section = ".noinstr.text")]
unsafe extern "C" fn leave() {
    naked_asm!(
        load_frame!(),
        "jmp {last}",
        frame_cs = const offset_of!(Frame, cs),
        rip = const RIP,
        last = sym last,
    )
}

/// Goes on where the one was interrupted, or handles the next as if it had come there.
///
/// # Safety
///
/// As for IRETQ, with all other registers loaded.
#[unsafe(naked)]
#[unsafe(link_section = ".noinstr.text")]
unsafe extern "C" fn last() {
    naked_asm!(
        "1: dec dword ptr [rip + {state}]",
        "jne 2f",
        "iretq",
        ".org 1b + {last_bytes}",
        "2: mov dword ptr [rip + {state}], 1",
        "push 0",
        "push r11",
        "push rcx",
        "push {cause}",
        "jmp {on_stack}",
        state = sym STATE,
        last_bytes = const LAST_BYTES,
        cause = const CAUSE,
        on_stack = sym on_stack,
    )
}
