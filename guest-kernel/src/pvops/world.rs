//! Where a kernel finds itself.

use xenolith_abi::cpuid::{FIRST_LEAF, SIGNATURE_EBX, SIGNATURE_ECX, SIGNATURE_EDX};

use crate::cpuid;

/// What runs below the kernel.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum World {
    /// The hardware, or a hypervisor that looks like it.
    Native = 0,
    /// Xenolith, or another hypervisor with Xen's ABI.
    Xenolith = 1,
}

/// The first leaf of Xen's, if another hypervisor's come before it, is at a multiple of this
/// (`xen/arch-x86/cpuid.h`).
const STEP: u32 = 0x100;

/// The leaves where Xen's may begin.
const LAST_LEAF: u32 = FIRST_LEAF + 0xff * STEP;

impl World {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 2] = [Self::Native, Self::Xenolith];

    /// Returns the world of a number.
    pub const fn of_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Native),
            1 => Some(Self::Xenolith),
            _ => None,
        }
    }

    /// Returns its number.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Asks CPUID for the leaves of Xen.
    ///
    /// The answer says who is below, not how the kernel was entered: under Xen, a kernel that was
    /// entered bare finds both.
    pub fn detect() -> Self {
        Self::of_leaves(|leaf| cpuid::native(leaf, 0))
    }

    /// The same with any source of leaves.
    fn of_leaves(read: impl Fn(u32) -> cpuid::Leaf) -> Self {
        /// ECX of leaf 1: there is a hypervisor, whose leaves exist.
        const HYPERVISOR: u32 = 1 << 31;
        if read(1).ecx & HYPERVISOR == 0 {
            return Self::Native;
        }
        let is_xen = |leaf: u32| {
            let leaf = read(leaf);
            [leaf.ebx, leaf.ecx, leaf.edx] == [SIGNATURE_EBX, SIGNATURE_ECX, SIGNATURE_EDX]
        };
        let mut leaves = (FIRST_LEAF..=LAST_LEAF).step_by(STEP as usize);
        if leaves.any(is_xen) { Self::Xenolith } else { Self::Native }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A processor whose signature of Xen, if it has one, is in leaf `xen`.
    fn detect(has_hypervisor: bool, xen: Option<u32>) -> World {
        World::of_leaves(|leaf| cpuid::Leaf {
            eax: 0,
            ebx: if Some(leaf) == xen { SIGNATURE_EBX } else { 0 },
            ecx: match leaf {
                1 => u32::from(has_hypervisor) << 31,
                _ if Some(leaf) == xen => SIGNATURE_ECX,
                _ => 0x6c65_746e,
            },
            edx: if Some(leaf) == xen { SIGNATURE_EDX } else { 0 },
        })
    }

    #[test]
    fn xen_is_found_by_its_signature() {
        assert_eq!(detect(true, Some(0x4000_0000)), World::Xenolith);
        assert_eq!(detect(true, Some(0x4000_0100)), World::Xenolith, "behind another's leaves");
        assert_eq!(detect(true, Some(0x4000_ff00)), World::Xenolith);
        assert_eq!(detect(true, Some(0x4001_0000)), World::Native, "too far");
        assert_eq!(detect(true, None), World::Native, "another hypervisor");
    }

    /// Leaves from 0x4000_0000 exist only where there is a hypervisor: elsewhere a processor may
    /// answer with another leaf.
    #[test]
    fn hardware_is_not_asked_for_leaves_it_lacks() {
        assert_eq!(detect(false, Some(0x4000_0000)), World::Native);
    }

    #[test]
    fn numbers_and_worlds_belong_together() {
        for world in World::ALL {
            assert_eq!(World::of_number(world.number()), Some(world));
        }
        assert_eq!(World::of_number(2), None);
    }
}
