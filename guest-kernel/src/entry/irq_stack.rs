//! The stack on which events are served, so that no task's stack needs room for all handlers.
//!
//! An upcall changes to it; one that comes in an upcall stays where it is, which is there already.
//! The registers of what was interrupted stay on the interrupted stack.
//!
//! ```text
//! low   guard page   unmapped before main runs
//!       ...          handlers of events
//! high  saved rbp    and with it, the way back to the interrupted stack
//! ```

use core::arch::naked_asm;

use super::PtRegs;
use crate::{
    context, instrumentation,
    static_pages::{PAGE_BYTES, StaticPages},
};

/// Pages of the stack, its guard page included.
const PAGES: usize = 9;

const BYTES: usize = PAGES * PAGE_BYTES;

/// The first vCPU's, as long as kernels start no other.
pub(super) static STACK: StaticPages<PAGES> = StaticPages::new();

/// Has `handle` serve the events of an upcall whose entry state is established.
#[inline(always)]
pub(super) fn serve_events(regs: &mut PtRegs, handle: extern "C" fn(&mut PtRegs)) {
    if context::current().count.in_hardirq() {
        instrumentation::begin();
        handle(regs);
        instrumentation::end();
    } else {
        // SAFETY: who is not in an upcall is not on the stack of upcalls.
        unsafe { serve_on_stack(regs, handle) }
    }
}

/// Calls `handle` on the stack of upcalls.
///
/// # Safety
///
/// Nobody else may be using that stack.
#[unsafe(naked)]
#[unsafe(link_section = ".noinstr.text")]
unsafe extern "C" fn serve_on_stack(_regs: &mut PtRegs, _handle: extern "C" fn(&mut PtRegs)) {
    naked_asm!(
        "push rbp",
        "mov rbp, rsp",
        "lea rsp, [rip + {stack} + {bytes}]",
        "2: nop",
        "call rsi",
        "3: nop",
        "mov rsp, rbp",
        "pop rbp",
        "ret",
        ".pushsection .noinstr.points, \"\", @progbits",
        ".quad 2b, 1",
        ".quad 3b, 0",
        ".popsection",
        stack = sym STACK,
        bytes = const BYTES,
    )
}
