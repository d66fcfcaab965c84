//! A lock that upcall handlers may take as well: while it is held, events are disabled.
//!
//! With an ordinary lock, a handler that wants what the interrupted code holds would wait for ever.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use lock_api::RawMutex;

use super::{Flags, irq_disable, restore_fl, save_fl};

/// Data behind a lock that is held with events disabled.
pub type EventsOffLock<T> = lock_api::Mutex<RawEventsOffLock, T>;

/// The lock itself: a spin lock, and the holder's flags.
#[derive(Debug)]
pub struct RawEventsOffLock {
    held: AtomicBool,
    /// Flags of the holder before it took the lock; written by the holder only.
    before: AtomicU64,
}

impl RawEventsOffLock {
    fn try_hold(&self) -> bool {
        use core::sync::atomic::Ordering::Acquire;
        self.held.compare_exchange(false, true, Acquire, Relaxed).is_ok()
    }
}

// SAFETY: `held` is set by one caller at a time, and stays set until that one unlocks.
unsafe impl RawMutex for RawEventsOffLock {
    const INIT: Self = Self { held: AtomicBool::new(false), before: AtomicU64::new(0) };

    // A guard on another vCPU would restore flags that are not its own.
    type GuardMarker = lock_api::GuardNoSend;

    fn lock(&self) {
        while !self.try_lock() {
            core::hint::spin_loop();
        }
    }

    fn try_lock(&self) -> bool {
        let before = save_fl();
        irq_disable();
        let taken = self.try_hold();
        if taken {
            self.before.store(before.bits(), Relaxed);
        } else {
            restore_fl(before);
        }
        taken
    }

    unsafe fn unlock(&self) {
        let before = self.before.load(Relaxed);
        self.held.store(false, core::sync::atomic::Ordering::Release);
        restore_fl(Flags::from_bits(before));
    }
}
