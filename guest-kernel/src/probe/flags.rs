//! The processor's own flags.

use core::arch::asm;

/// Alignment check: with SMAP, leave to access the pages of users.
pub const AC: u64 = 1 << 18;

/// Sets flags of RFLAGS and leaves the others.
pub fn set(flags: u64) {
    // SAFETY: see the module `probe`; scenarios set flags that compiled code does not look at.
    unsafe { asm!("pushfq", "or [rsp], {}", "popfq", in(reg) flags) }
}

/// Clears flags of RFLAGS and leaves the others.
pub fn clear(flags: u64) {
    // SAFETY: as for `set`.
    unsafe { asm!("pushfq", "and [rsp], {}", "popfq", in(reg) !flags) }
}
