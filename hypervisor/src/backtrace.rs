//! Where the hypervisor was when it panicked.

use crate::memory::stacks;
use core::arch::asm;
use xenolith_core::frame_walk::{Record, walk};

/// Logs the return addresses on this CPU's stack. `cargo xtask` names the functions.
#[inline(never)]
pub(crate) fn log() {
    let rbp: u64;
    // SAFETY: it reads a register.
    unsafe { asm!("mov {}, rbp", out(reg) rbp, options(nomem, nostack, preserves_flags)) };
    for address in walk(rbp, record) {
        log::error!("  at {address:#018x}");
    }
}

/// Reads a record. RBP is the guest's where an exit came in, and could lead anywhere.
fn record(at: u64) -> Option<Record> {
    if !stacks::contains(at, 16) {
        return None;
    }
    let record = core::ptr::with_exposed_provenance::<Record>(xenolith_core::address::to_usize(at));
    // SAFETY: the bytes are those of a stack, which is mapped and stays; any value is a record.
    Some(unsafe { record.read_volatile() })
}
