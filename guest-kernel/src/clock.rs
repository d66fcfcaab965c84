//! The time-stamp counter, the only clock a kernel has without asking.

use core::arch::asm;

/// Returns the time-stamp counter: processor ticks, or instructions under an emulator that counts
/// them.
pub fn ticks() -> u64 {
    let (low, high): (u32, u32);
    // SAFETY: reading the counter changes nothing. No `nomem`: it must stay between its neighbours.
    unsafe {
        asm!("rdtsc", out("eax") low, out("edx") high, options(nostack, preserves_flags));
    }
    (u64::from(high) << 32) | u64::from(low)
}

/// Returns the time-stamp counter, read after everything before has been.
pub fn ordered_ticks() -> u64 {
    // SAFETY: the instruction only waits for loads.
    unsafe { asm!("lfence", options(nostack, preserves_flags)) };
    ticks()
}
