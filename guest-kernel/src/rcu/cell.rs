//! Readers, and a value that they share with writers.

use alloc::boxed::Box;
use core::{
    fmt,
    sync::atomic::{AtomicPtr, Ordering::Acquire, Ordering::SeqCst},
};

use super::synchronize;
use crate::{
    context,
    tasks::{self, NoPreemption},
};

/// While this lives, no value that RCU protects is freed. It must not wait.
#[derive(Debug)]
#[must_use = "what was read may be freed as soon as the reader is dropped"]
pub struct Reader {
    _no_preemption: NoPreemption,
}

/// Begins to read.
///
/// # Panics
///
/// Where RCU does not watch: in entry code, and in an idle vCPU outside upcalls.
pub fn read_lock() -> Reader {
    let watched = context::current().watching.is_watching();
    assert!(watched, "RCU is used where it does not watch");
    Reader { _no_preemption: tasks::disable_preemption() }
}

/// A value that is read without locks and replaced as a whole.
pub struct RcuCell<T> {
    value: AtomicPtr<T>,
}

// SAFETY: readers share the value, and whoever replaces it drops the old one.
unsafe impl<T: Send + Sync> Sync for RcuCell<T> {}
// SAFETY: the cell owns its value.
unsafe impl<T: Send> Send for RcuCell<T> {}

impl<T> RcuCell<T> {
    /// Returns a cell with a value.
    pub fn new(value: T) -> Self {
        Self { value: AtomicPtr::new(Box::into_raw(Box::new(value))) }
    }

    /// Returns the value at this time.
    pub fn read<'a>(&'a self, _: &'a Reader) -> &'a T {
        // SAFETY: a value is freed behind a grace period, which does not end while there is a
        // reader that could have seen it.
        unsafe { &*self.value.load(Acquire) }
    }

    /// Puts another value in place; returns behind a grace period, with the old one freed.
    ///
    /// # Panics
    ///
    /// In a reader: it would wait for itself.
    pub fn replace(&self, value: T) {
        let old = self.value.swap(Box::into_raw(Box::new(value)), SeqCst);
        synchronize();
        // SAFETY: no reader is left that has seen it, and it came from a box.
        drop(unsafe { Box::from_raw(old) });
    }
}

impl<T> Drop for RcuCell<T> {
    fn drop(&mut self) {
        // SAFETY: nobody else has the cell any more.
        drop(unsafe { Box::from_raw(*self.value.get_mut()) });
    }
}

impl<T> fmt::Debug for RcuCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RcuCell").finish_non_exhaustive()
    }
}
