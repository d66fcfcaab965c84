//! Registers that VMX does not load: what firmware left in them is not for a guest to see.

use crate::cpu::features;
use core::arch::asm;
use x86_64::registers::model_specific::Msr;
use x86_64::registers::xcontrol::XCr0;
use xenolith_core::emulate::{msr, xcr0};

/// An XSAVE area in which every component is in its initial state.
#[repr(align(64))]
struct InitialState {
    area: [u8; 1024],
}

static INITIAL: InitialState = InitialState { area: initial() };

/// The legacy part has the reset value of MXCSR, which XRSTOR loads whatever the header says.
const fn initial() -> [u8; 1024] {
    const MXCSR: usize = 24;
    let mut area = [0; 1024];
    [area[MXCSR], area[MXCSR + 1]] = 0x1f80_u16.to_le_bytes();
    area
}

/// Puts the registers that stay in the CPU across entries into their initial state.
pub(super) fn reset(has_rdtscp: bool) {
    // SAFETY: the registers are the guest's; root mode uses none of them.
    unsafe {
        asm!("fninit", "mov cr2, {zero}", "mov dr0, {zero}", "mov dr1, {zero}", "mov dr2, {zero}",
            "mov dr3, {zero}", "mov dr6, {dr6}", zero = in(reg) 0_u64, dr6 = in(reg) 0xffff_0ff0_u64,
            options(nostack));
    }
    if features::has_xsave() {
        reset_extended_state();
    }
    let count = if has_rdtscp { 2 } else { 1 };
    for msr in [msr::KERNEL_GS_BASE, msr::TSC_AUX].into_iter().take(count) {
        // SAFETY: the CPU has the MSR, and root mode does not use it.
        unsafe { Msr::new(msr).write(0) };
    }
}

/// Puts every state component that guests may use into its initial state. A guest starts with the
/// first one switched on.
fn reset_extended_state() {
    const EXTENDED_STATE: u32 = 0xd;
    const X87: u64 = 1;
    let [low, _, _, high] = features::raw(EXTENDED_STATE, 0);
    let supported = u64::from(high) << 32 | u64::from(low);
    // SAFETY: CR4.OSXSAVE is on, and guests may use no component without those it needs.
    unsafe { XCr0::write_raw(supported & xcr0::ALLOWED) };
    // SAFETY: the area is as long as what the CPU reads of it: its header names no component.
    unsafe {
        asm!("xrstor64 [{area}]", area = in(reg) &raw const INITIAL.area, in("eax") u32::MAX,
            in("edx") u32::MAX, options(nostack));
    }
    // SAFETY: as above; the hypervisor uses none of them.
    unsafe { XCr0::write_raw(X87) };
}
