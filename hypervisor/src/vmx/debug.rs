//! The debug registers that stay as the guest left them while the hypervisor runs: all but DR7,
//! which the VMCS keeps and an exit clears (SDM 3C, "Loading Host Control Registers, Debug
//! Registers, MSRs"), so that none of the guest's breakpoints stops the hypervisor.

use core::arch::asm;

/// Returns DR0 to DR3 or, for every other number, DR6.
pub(super) fn read(number: u8) -> u64 {
    macro_rules! read {
        ($register:literal) => {{
            let value;
            // SAFETY: reading changes nothing; DR7 is clear, and with it general detect.
            unsafe { asm!(concat!("mov {}, ", $register), out(reg) value, options(nomem, nostack)) }
            value
        }};
    }
    match number {
        0 => read!("dr0"),
        1 => read!("dr1"),
        2 => read!("dr2"),
        3 => read!("dr3"),
        _ => read!("dr6"),
    }
}

/// Sets DR0 to DR3 or, for every other number, DR6, whose upper half must be 0.
pub(super) fn write(number: u8, value: u64) {
    macro_rules! write {
        ($register:literal, $value:expr) => {
            // SAFETY: the register is the guest's; DR7 is clear, and root mode has no breakpoints.
            unsafe { asm!(concat!("mov ", $register, ", {}"), in(reg) $value, options(nomem, nostack)) }
        };
    }
    match number {
        0 => write!("dr0", value),
        1 => write!("dr1", value),
        2 => write!("dr2", value),
        3 => write!("dr3", value),
        _ => write!("dr6", value & 0xffff_ffff),
    }
}
