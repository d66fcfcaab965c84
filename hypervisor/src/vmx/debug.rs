//! The debug registers that stay as the guest left them while the hypervisor runs: all but DR7,
//! which the VMCS keeps and an exit clears (SDM 3C, "Loading Host Control Registers, Debug
//! Registers, MSRs"), so that none of the guest's breakpoints stops the hypervisor.

use core::arch::asm;

/// Returns DR0 to DR3 or, for every other number, DR6.
pub(super) fn read(number: u8) -> u64 {
    let value;
    // SAFETY: reading the registers changes nothing; DR7 is clear, and with it general detect.
    unsafe {
        match number {
            0 => asm!("mov {}, dr0", out(reg) value, options(nomem, nostack)),
            1 => asm!("mov {}, dr1", out(reg) value, options(nomem, nostack)),
            2 => asm!("mov {}, dr2", out(reg) value, options(nomem, nostack)),
            3 => asm!("mov {}, dr3", out(reg) value, options(nomem, nostack)),
            _ => asm!("mov {}, dr6", out(reg) value, options(nomem, nostack)),
        }
    }
    value
}

/// Sets DR0 to DR3 or, for every other number, DR6, whose upper half must be 0.
pub(super) fn write(number: u8, value: u64) {
    // SAFETY: the registers are the guest's; DR7 is clear, and the hypervisor has no breakpoints.
    unsafe {
        match number {
            0 => asm!("mov dr0, {}", in(reg) value, options(nomem, nostack)),
            1 => asm!("mov dr1, {}", in(reg) value, options(nomem, nostack)),
            2 => asm!("mov dr2, {}", in(reg) value, options(nomem, nostack)),
            3 => asm!("mov dr3, {}", in(reg) value, options(nomem, nostack)),
            _ => asm!("mov dr6, {}", in(reg) value & 0xffff_ffff, options(nomem, nostack)),
        }
    }
}
