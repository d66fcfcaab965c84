//! XSAVEC tried once, since not every CPU does right.

use crate::cpu::features;
use core::arch::asm;
use x86_64::registers::xcontrol::XCr0;
use xenolith_core::emulate::compacted::{self, AREA_BYTES, COMPONENTS};

/// CPUID leaf of the extended state.
const EXTENDED_STATE: u32 = 0xd;
/// Subleaf 1, EAX.
const XSAVEC: u32 = 1 << 1;
/// Subleaf 0, EAX, and XCR0: AVX; and what is on at the start.
const AVX: u32 = 1 << 2;
const X87: u64 = 1;

#[repr(align(64))]
struct Area([u8; AREA_BYTES]);

/// Returns whether the CPU has XSAVEC and it does right. Vector registers lose their contents: they
/// are to be [reset](super::fresh) before a guest has them.
pub(super) fn works() -> bool {
    let has_xsavec = || features::raw(EXTENDED_STATE, 1)[0] & XSAVEC != 0;
    let has_avx = || features::raw(EXTENDED_STATE, 0)[0] & AVX != 0;
    if !features::has_xsave() || !has_xsavec() || !has_avx() {
        return false;
    }
    let (from, mut to) = (Area(compacted::standard()), Area([0; AREA_BYTES]));
    // SAFETY: CR4.OSXSAVE is on where there is XSAVE, and the CPU has what is switched on.
    unsafe { XCr0::write_raw(X87 | u64::from(COMPONENTS)) };
    // SAFETY: the areas are aligned and long enough for the components; the hypervisor uses none of
    // their registers.
    unsafe {
        asm!("xrstor64 [{from}]", "xsavec64 [{to}]", from = in(reg) &raw const from,
            to = in(reg) &raw mut to, in("eax") COMPONENTS, in("edx") 0, options(nostack));
    }
    // SAFETY: as above.
    unsafe { XCr0::write_raw(X87) };
    let works = compacted::is_right(&to.0);
    if !works {
        log::debug!("XSAVEC does not do right here, and is hidden from guests");
    }
    works
}
