//! Grace periods: from a time at which readers may hold something, to one at which none does.

use crate::context::{Snapshot, Watching, Word};

/// A grace period that has begun.
#[derive(Clone, Copy, Debug)]
pub struct GracePeriod<const VCPUS: usize> {
    then: [Snapshot; VCPUS],
}

impl<const VCPUS: usize> GracePeriod<VCPUS> {
    /// Begins one, behind the store that took something away from new readers.
    pub fn begin<W: Word>(vcpus: [&Watching<W>; VCPUS]) -> Self {
        Self { then: vcpus.map(Watching::snapshot) }
    }

    /// Returns whether every reader that was reading when it began has finished.
    pub fn has_ended<W: Word>(&self, vcpus: [&Watching<W>; VCPUS]) -> bool {
        vcpus.iter().zip(self.then).all(|(vcpu, then)| vcpu.has_let_go_since(then))
    }
}
