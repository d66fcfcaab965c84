//! Whether RCU watches a vCPU, and what others can conclude from two looks at it.
//!
//! While it does not watch (a process runs, or nothing), the vCPU holds no reference that RCU
//! protects. Every change counts, and so does every point in between at which it holds none (a
//! change of tasks): a vCPU of which either count has moved has let go of all it held before.

use super::Word;

/// One vCPU's state for RCU.
#[derive(Debug)]
pub struct Watching<W> {
    /// Odd while RCU watches.
    changes: W,
    /// Points at which the vCPU held nothing.
    quiescent: W,
}

/// How a vCPU's state for RCU was at a time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Snapshot {
    changes: u64,
    quiescent: u64,
}

impl<W: Word> Watching<W> {
    /// Returns a state made of two counters; the first is odd if RCU watches.
    pub(crate) const fn new(changes: W, quiescent: W) -> Self {
        Self { changes, quiescent }
    }

    /// Returns whether RCU watches.
    #[inline(always)]
    pub fn is_watching(&self) -> bool {
        self.changes.load() & 1 != 0
    }

    /// Makes RCU watch, which it does not.
    #[inline(always)]
    pub(crate) fn start(&self) {
        debug_assert!(!self.is_watching(), "RCU watches already");
        self.changes.increment();
    }

    /// Makes RCU watch no longer.
    #[inline(always)]
    pub(crate) fn stop(&self) {
        debug_assert!(self.is_watching(), "RCU does not watch");
        self.changes.increment();
    }

    /// Says that the vCPU holds no reference at this point.
    pub fn note_quiescent(&self) {
        debug_assert!(self.is_watching(), "a quiescent state of a vCPU that nobody watches");
        self.quiescent.increment();
    }

    /// Returns the state at this time.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot { changes: self.changes.load(), quiescent: self.quiescent.load() }
    }

    /// Returns whether the vCPU has let go of everything that it held at the time of `then`.
    pub fn has_let_go_since(&self, then: Snapshot) -> bool {
        let was_watching = then.changes & 1 != 0;
        !was_watching || self.snapshot() != then
    }
}
