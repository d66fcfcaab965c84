//! Who has to be told after an event was set.

use super::port::Service;
use crate::address::{DomId, VcpuId};

/// What the caller of an operation has to do now.
#[must_use = "a vCPU may sleep until it is told"]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Notify {
    /// Nothing.
    Nobody,
    /// End the sleep of these vCPUs; of those that run elsewhere, force an exit.
    Vcpus(DomId, VcpuSet),
    /// Let the service look at the domain's ring.
    Service(DomId, Service),
}

impl Notify {
    /// Makes the one for a set of vCPUs, which may be empty.
    pub fn vcpus(domain: DomId, vcpus: VcpuSet) -> Self {
        if vcpus.is_empty() { Self::Nobody } else { Self::Vcpus(domain, vcpus) }
    }
}

/// Some vCPUs of a domain.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct VcpuSet(u32);

impl VcpuSet {
    /// The set without vCPUs.
    pub const EMPTY: Self = Self(0);

    /// Returns the set with `vcpu` as well.
    pub const fn with(self, vcpu: VcpuId) -> Self {
        Self(self.0 | 1 << vcpu.0)
    }

    /// Returns whether `vcpu` is in the set.
    pub const fn contains(self, vcpu: VcpuId) -> bool {
        vcpu.0 < u32::BITS && self.0 >> vcpu.0 & 1 != 0
    }

    /// Returns whether there is none in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns those in the set, in ascending order.
    pub fn iter(self) -> impl Iterator<Item = VcpuId> {
        (0..u32::BITS).map(VcpuId).filter(move |vcpu| self.contains(*vcpu))
    }
}
