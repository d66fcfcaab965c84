//! The flag that is not a flag: the event mask of a vCPU in the place of RFLAGS.IF.
//!
//! The statement that everything here keeps (`docs/interrupt-flag.md`):
//! 1. [`save_fl`] returns exactly [`Flags::IF`] or 0; every other bit is zero. Whoever needs AC or
//!    another flag of the processor reads [`native_save_flags`].
//! 2. [`restore_fl`] looks at IF and at nothing else: if it is set, unmask and check for what came
//!    meanwhile; if not, nothing at all, because who disabled events has left them disabled.
//! 3. Enabling stores zero to the mask, then reads whether an upcall is due, in this order, and has
//!    the hypervisor deliver one if so. No event that came before is left waiting.

#[cfg_attr(target_os = "none", expect(dead_code, reason = "kernels execute it as sites of pvops"))]
pub(crate) mod flag;
mod flags;
mod guard;
mod lock;
// Loom switches stacks by itself, which Miri does not follow.
#[cfg(test)]
#[cfg(not(miri))]
mod interleavings;
#[cfg(test)]
mod tests;

use core::arch::asm;

pub use flag::UpcallFlag;
pub use flags::Flags;
pub use guard::EventsOff;
pub use lock::{EventsOffLock, RawEventsOffLock};

use crate::{hypercall::version, pvops, shared_info::VcpuWords};
use core::sync::atomic::Ordering::Relaxed;

impl UpcallFlag for VcpuWords {
    #[inline]
    fn mask(&self) -> u8 {
        self.upcall_mask().load(Relaxed)
    }

    #[inline]
    fn set_mask(&self, mask: u8) {
        self.upcall_mask().store(mask, Relaxed);
    }

    #[inline]
    fn is_pending(&self) -> bool {
        self.upcall_pending().load(Relaxed) != 0
    }

    #[cold]
    fn force_upcall(&self) {
        // Any hypercall would do: the upcall comes on its way back. This one changes nothing.
        let _ = version::version();
    }
}

/// Returns [`Flags::IF`] if events are enabled, else 0; no other bit is ever set.
#[inline]
pub fn save_fl() -> Flags {
    pvops::save_fl()
}

/// Enables events if IF is set in `flags`; otherwise leaves them as they are, which is disabled.
#[inline]
pub fn restore_fl(flags: Flags) {
    debug_assert!(
        flags.is_enabled() || !save_fl().is_enabled(),
        "events were enabled behind the back of who disabled them"
    );
    pvops::restore_fl(flags);
}

/// Disables events: no upcall comes until they are enabled.
#[inline]
pub fn irq_disable() {
    pvops::irq_disable();
}

/// Enables events; what came while they were disabled is delivered before this returns.
#[inline]
pub fn irq_enable() {
    pvops::irq_enable();
}

/// Disables events until the guard is dropped, which restores what was before.
#[inline]
pub fn disable_for_now() -> EventsOff {
    EventsOff::new()
}

/// Enables events and waits for one; returns after its upcall.
///
/// To be called with events disabled, after looking for work and finding none: an event that comes
/// between the look and the wait ends the wait. Where the hypervisor cannot wait this only
/// enables.
pub fn safe_halt() {
    debug_assert!(!save_fl().is_enabled(), "work that comes before the wait would not end it");
    pvops::safe_halt();
}

/// Returns the processor's own RFLAGS, whose IF has no meaning here.
#[inline]
pub fn native_save_flags() -> u64 {
    let flags;
    // SAFETY: pushes and pops a copy of the flags; nothing changes.
    unsafe {
        asm!("pushfq", "pop {}", out(reg) flags, options(preserves_flags));
    }
    flags
}
