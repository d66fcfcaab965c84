//! vCPUs by number, and which of them runs the caller.

use xenolith_abi::shared_info::LEGACY_MAX_VCPUS;

/// The number of a vCPU in its domain.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct VcpuId(u32);

impl VcpuId {
    /// The vCPU that the domain starts with.
    pub const BOOT: Self = Self(0);

    /// Returns the vCPU of a number.
    ///
    /// # Panics
    ///
    /// If no domain has so many: records in the shared page set the limit of this library.
    pub fn new(number: u32) -> Self {
        let vcpu = Self(number);
        assert!(vcpu.index() < LEGACY_MAX_VCPUS, "vCPU {number} has no record in the shared page");
        vcpu
    }

    /// Returns the number.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// Returns the number as an index into tables of vCPUs.
    pub fn index(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// Returns the vCPU that executes this: the first one, as long as kernels start no other.
#[inline]
pub const fn current() -> VcpuId {
    VcpuId::BOOT
}
