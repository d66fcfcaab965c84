//! A counter that one vCPU changes and others look at; loom has its own in tests.

use core::sync::atomic::{AtomicU64, Ordering::SeqCst};

/// A counter with the order of everything around it.
pub trait Word {
    /// Returns the value; a full barrier.
    fn load(&self) -> u64;

    /// Adds one, wrapping around; a full barrier.
    fn increment(&self);
}

impl Word for AtomicU64 {
    #[inline(always)]
    fn load(&self) -> u64 {
        Self::load(self, SeqCst)
    }

    #[inline(always)]
    fn increment(&self) {
        self.fetch_add(1, SeqCst);
    }
}
