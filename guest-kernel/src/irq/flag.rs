//! The protocol between a kernel and the hypervisor over two bytes, apart from where the bytes are.
//!
//! The hypervisor decides about an upcall on the vCPU's own processor, always after an exit or in
//! the resident: it sees every store the vCPU has made. So program order is all the order that is
//! needed, and a compiler fence makes it. `interleavings` runs this code against a model of the other side.

use core::sync::atomic::{Ordering::SeqCst, compiler_fence};

use super::Flags;

/// The two bytes of a vCPU that decide about upcalls, and the way to ask for a late one.
pub trait UpcallFlag {
    /// Returns the mask; any value but zero disables.
    fn mask(&self) -> u8;

    /// Stores the mask.
    fn set_mask(&self, mask: u8);

    /// Returns whether an upcall is due.
    fn is_pending(&self) -> bool;

    /// Enters the hypervisor, which delivers an upcall that is due and not masked.
    fn force_upcall(&self);
}

/// Returns [`Flags::IF`] or 0.
#[inline]
pub(crate) fn save(vcpu: &impl UpcallFlag) -> Flags {
    if vcpu.mask() == 0 { Flags::IF } else { Flags::DISABLED }
}

/// Enables events if `flags` has IF.
#[inline]
pub(crate) fn restore(vcpu: &impl UpcallFlag, flags: Flags) {
    if flags.is_enabled() {
        enable(vcpu);
    } else {
        debug_assert!(vcpu.mask() != 0, "events were enabled behind the back of who disabled them");
    }
}

/// Disables events.
#[inline]
pub(crate) fn disable(vcpu: &impl UpcallFlag) {
    vcpu.set_mask(1);
    // What follows must not move before the store: upcalls could see it half done.
    compiler_fence(SeqCst);
}

/// Enables events, and has an upcall that became due meanwhile delivered.
#[inline]
pub(crate) fn enable(vcpu: &impl UpcallFlag) {
    compiler_fence(SeqCst);
    vcpu.set_mask(0);
    // An upcall here is fine: the test below then finds nothing. One that became due before the
    // store was held back for good, and only this test finds it.
    compiler_fence(SeqCst);
    if vcpu.is_pending() {
        vcpu.force_upcall();
    }
}
