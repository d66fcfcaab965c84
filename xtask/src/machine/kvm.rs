//! Whether the host's `/dev/kvm` offers nested VMX.
//!
//! A usable device proves nothing: the answer is the VMX bit among the CPUID bits that KVM is ready
//! to show a guest.

use std::fmt;

use kvm_ioctls::Kvm;

/// CPUID leaf of the feature bits.
const FEATURES_LEAF: u32 = 1;

/// Its bit in ECX for VMX; SDM 2A, CPUID, "Feature Information Returned in the ECX Register".
const VMX_BIT: u32 = 1 << 5;

/// More CPUID entries than any KVM reports.
const MAX_ENTRIES: usize = 256;

/// What `/dev/kvm` can do for us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    /// A guest of KVM can use VMX.
    NestedVmx,
    /// KVM works, but shows its guests no VMX.
    NoVmx,
    /// KVM cannot be used, for this reason.
    Unusable(String),
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NestedVmx => write!(formatter, "/dev/kvm offers nested VMX"),
            Self::NoVmx => write!(formatter, "/dev/kvm works but offers no nested VMX"),
            Self::Unusable(reason) => write!(formatter, "/dev/kvm cannot be used ({reason})"),
        }
    }
}

/// Asks the host.
pub(crate) fn ask() -> Report {
    let entries = Kvm::new().and_then(|kvm| kvm.get_supported_cpuid(MAX_ENTRIES));
    match entries {
        Err(error) => Report::Unusable(error.to_string()),
        Ok(cpuid) => judge(cpuid.as_slice().iter().map(|entry| (entry.function, entry.ecx))),
    }
}

/// What these CPUID entries, as pairs of leaf and ECX, mean.
fn judge(entries: impl IntoIterator<Item = (u32, u32)>) -> Report {
    let offered =
        entries.into_iter().any(|(leaf, ecx)| leaf == FEATURES_LEAF && ecx & VMX_BIT != 0);
    if offered { Report::NestedVmx } else { Report::NoVmx }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_vmx_bit_of_leaf_1_counts() {
        assert_eq!(judge([(0, u32::MAX), (1, 0x20), (7, 0)]), Report::NestedVmx);
        assert_eq!(judge([(0, u32::MAX), (1, !0x20), (7, u32::MAX)]), Report::NoVmx);
        assert_eq!(judge([]), Report::NoVmx);
    }
}
