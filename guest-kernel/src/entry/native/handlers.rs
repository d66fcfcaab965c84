//! What bare entries do around the handlers that all entries have: registers of the processor that a
//! handler does not share with what it interrupts.

use core::arch::asm;

use crate::{
    entry::{PtRegs, handlers},
    protection_keys,
};

/// Calls `handler` with the kernel's own access to protected pages.
#[inline(always)]
fn with_own_access(regs: &mut PtRegs, handler: extern "C" fn(&mut PtRegs)) {
    protection_keys::enter(&regs.auxiliary().arch);
    handler(regs);
    protection_keys::exit(&regs.auxiliary().arch);
}

/// Handles an exception.
#[unsafe(link_section = ".noinstr.text")]
pub(super) extern "C" fn exception(regs: &mut PtRegs) {
    with_own_access(regs, handlers::exception);
}

/// Handles an interrupt of a device.
#[unsafe(link_section = ".noinstr.text")]
pub(super) extern "C" fn interrupt(regs: &mut PtRegs) {
    with_own_access(regs, handlers::interrupt);
}

/// Handles a non-maskable interrupt, with breakpoints off: in the handler of #DB
/// one would write over that handler's frame.
#[unsafe(link_section = ".noinstr.text")]
pub(super) extern "C" fn nmi(regs: &mut PtRegs) {
    let breakpoints = debug_control();
    if breakpoints & ENABLED_BREAKPOINTS != 0 {
        set_debug_control(breakpoints & !ENABLED_BREAKPOINTS);
    }
    with_own_access(regs, handlers::nmi);
    if breakpoints & ENABLED_BREAKPOINTS != 0 {
        set_debug_control(breakpoints);
    }
}

/// The bits of DR7 that enable the four breakpoints.
const ENABLED_BREAKPOINTS: u64 = 0xff;

#[inline(always)]
fn debug_control() -> u64 {
    let dr7;
    // SAFETY: the kernel may read it.
    unsafe { asm!("mov {}, dr7", out(reg) dr7, options(nomem, nostack, preserves_flags)) };
    dr7
}

#[inline(always)]
fn set_debug_control(dr7: u64) {
    // SAFETY: the bits are such as were there.
    unsafe { asm!("mov dr7, {}", in(reg) dr7, options(nostack, preserves_flags)) };
}
