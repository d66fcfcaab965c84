//! Why the running task must not be taken off its vCPU, as one word of counts.
//!
//! ```text
//! bits 0 to 15    stretches that disabled preemption
//! bits 16 to 23   upcalls, each nested in the one before
//! bits 24 to 31   non-maskable interrupts
//! ```

use core::sync::atomic::{AtomicU32, Ordering::Relaxed, compiler_fence};

const PREEMPTION: u32 = 1;
const HARDIRQ: u32 = 1 << 16;
const NMI: u32 = 1 << 24;

/// The counts of one vCPU. Whatever interrupts a change puts back what it found.
#[derive(Debug)]
pub struct PreemptCount(AtomicU32);

impl PreemptCount {
    pub(super) const fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    /// Returns whether the task may be taken off its vCPU.
    #[inline(always)]
    pub fn is_zero(&self) -> bool {
        self.0.load(Relaxed) == 0
    }

    /// Returns whether preemption is disabled, in whatever else the vCPU is.
    #[inline]
    pub fn is_preemption_disabled(&self) -> bool {
        self.0.load(Relaxed) & (HARDIRQ - PREEMPTION) != 0
    }

    /// Returns whether the vCPU is in an upcall.
    #[inline(always)]
    pub fn in_hardirq(&self) -> bool {
        self.0.load(Relaxed) & (NMI - HARDIRQ) != 0
    }

    /// Returns whether the vCPU is in a non-maskable interrupt.
    #[inline(always)]
    pub fn in_nmi(&self) -> bool {
        self.0.load(Relaxed) >= NMI
    }

    /// Returns whether the vCPU is in either.
    #[inline]
    pub fn in_interrupt(&self) -> bool {
        self.0.load(Relaxed) >= HARDIRQ
    }

    #[inline(always)]
    fn add(&self, unit: u32) {
        self.0.store(self.0.load(Relaxed).wrapping_add(unit), Relaxed);
        compiler_fence(core::sync::atomic::Ordering::SeqCst);
    }

    #[inline(always)]
    fn subtract(&self, unit: u32) {
        compiler_fence(core::sync::atomic::Ordering::SeqCst);
        debug_assert!(self.0.load(Relaxed) >= unit, "left more often than entered");
        self.0.store(self.0.load(Relaxed).wrapping_sub(unit), Relaxed);
    }

    /// Disables preemption, once more.
    #[inline]
    pub fn disable_preemption(&self) {
        self.add(PREEMPTION);
    }

    /// Takes back one disabling.
    #[inline]
    pub fn enable_preemption(&self) {
        self.subtract(PREEMPTION);
    }

    /// Enters an upcall.
    pub(crate) fn enter_hardirq(&self) {
        self.add(HARDIRQ);
    }

    /// Leaves an upcall.
    pub(crate) fn leave_hardirq(&self) {
        self.subtract(HARDIRQ);
    }

    #[inline(always)]
    pub(super) fn enter_nmi(&self) {
        self.add(NMI);
    }

    #[inline(always)]
    pub(super) fn leave_nmi(&self) {
        self.subtract(NMI);
    }
}
