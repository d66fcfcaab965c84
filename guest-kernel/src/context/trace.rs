//! What tracing is told of events being disabled by entries and enabled by exits.
//!
//! The state changes first on the way in and last on the way out. The observer, which is ordinary
//! code, is called in between: when RCU watches.

use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

use crate::atomic_fn::AtomicFn;

/// Is told that an entry has disabled events (`false`), or that its exit is about to enable them.
pub type Observer = fn(enabled: bool);

/// Whether events are enabled as far as entries and exits have told.
#[derive(Debug)]
pub struct IrqTrace {
    enabled: AtomicBool,
    observer: AtomicFn<Observer>,
}

impl IrqTrace {
    pub(super) const fn new() -> Self {
        Self { enabled: AtomicBool::new(true), observer: AtomicFn::empty() }
    }

    /// Has `observer` told from now on, or nobody.
    pub fn set_observer(&self, observer: Option<Observer>) {
        self.observer.store(observer);
    }

    /// Returns whether events are enabled as far as told.
    #[inline(always)]
    pub fn is_enabled(&self) -> bool {
        self.enabled.load(Relaxed)
    }

    #[inline(always)]
    pub(crate) fn set(&self, enabled: bool) {
        self.enabled.store(enabled, Relaxed);
    }

    #[inline(always)]
    pub(super) fn is_observed(&self) -> bool {
        self.observer.is_set()
    }

    /// Tells the observer. Ordinary code.
    #[inline(never)]
    #[cold]
    pub(super) fn tell(&self, enabled: bool) {
        if let Some(observer) = self.observer.load() {
            observer(enabled);
        }
    }
}
