//! Debug registers.

use core::arch::asm;

/// Writes DR0 to DR3.
pub fn write_addresses(addresses: [u64; 4]) {
    // SAFETY: see the module `probe`; the addresses do nothing while DR7 enables none of them.
    unsafe {
        asm!("mov dr0, {}", "mov dr1, {}", "mov dr2, {}", "mov dr3, {}",
            in(reg) addresses[0], in(reg) addresses[1], in(reg) addresses[2],
            in(reg) addresses[3], options(nomem, nostack, preserves_flags));
    }
}

/// Reads DR0 to DR3.
pub fn read_addresses() -> [u64; 4] {
    let [a, b, c, d]: [u64; 4];
    // SAFETY: reading the registers changes nothing.
    unsafe {
        asm!("mov {}, dr0", "mov {}, dr1", "mov {}, dr2", "mov {}, dr3",
            out(reg) a, out(reg) b, out(reg) c, out(reg) d,
            options(nomem, nostack, preserves_flags));
    }
    [a, b, c, d]
}

/// Writes DR6, the status of debug exceptions.
pub fn write_status(value: u64) {
    // SAFETY: see the module `probe`; the status has no effect by itself.
    unsafe {
        asm!("mov dr6, {}", in(reg) value, options(nomem, nostack, preserves_flags));
    }
}

/// Reads DR6.
pub fn read_status() -> u64 {
    let value;
    // SAFETY: reading the register changes nothing.
    unsafe {
        asm!("mov {}, dr6", out(reg) value, options(nomem, nostack, preserves_flags));
    }
    value
}

/// Writes DR7, which enables breakpoints.
pub fn write_control(value: u64) {
    // SAFETY: see the module `probe`; a breakpoint can at worst end the kernel.
    unsafe {
        asm!("mov dr7, {}", in(reg) value, options(nomem, nostack, preserves_flags));
    }
}

/// Reads DR7.
pub fn read_control() -> u64 {
    let value;
    // SAFETY: reading the register changes nothing.
    unsafe {
        asm!("mov {}, dr7", out(reg) value, options(nomem, nostack, preserves_flags));
    }
    value
}
