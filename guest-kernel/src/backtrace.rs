//! Where a kernel was when it could not go on.

use core::arch::asm;

use x86_64::VirtAddr;
use xenolith_core::frame_walk::{Record, walk};

use crate::{console::print_unlocked, traps::probe_read};

/// Prints the return addresses on the stack, a line each. `cargo xtask` names the functions.
///
/// A task's chain goes on, through the entry of an exception or event, with the callers of what was
/// interrupted.
#[inline(never)]
pub(crate) fn print() {
    let rbp: u64;
    // SAFETY: it reads a register.
    unsafe { asm!("mov {}, rbp", out(reg) rbp, options(nomem, nostack, preserves_flags)) };
    for address in walk(rbp, record) {
        print_unlocked(format_args!("  at {address:#018x}\n"));
    }
}

/// Reads a record, if there is memory: a damaged stack must not hide the message of the panic.
fn record(at: u64) -> Option<Record> {
    let word = |at| probe_read::<u64>(VirtAddr::try_new(at).ok()?).ok();
    Some([word(at)?, word(at.checked_add(8)?)?])
}
