//! CPUID leaves as four registers, and the hypervisors that show there.

use core::arch::x86_64::__cpuid_count;

use xenolith_abi::xenolith;

/// What CPUID leaves in the registers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "the registers' own names")]
pub struct Leaf {
    pub eax: u32,
    pub ebx: u32,
    pub ecx: u32,
    pub edx: u32,
}

impl Leaf {
    /// Returns EBX, ECX and EDX as the 12 characters of a hypervisor's signature.
    pub fn signature(self) -> [u8; 12] {
        let mut text = [0; 12];
        text[..4].copy_from_slice(&self.ebx.to_le_bytes());
        text[4..8].copy_from_slice(&self.ecx.to_le_bytes());
        text[8..].copy_from_slice(&self.edx.to_le_bytes());
        text
    }
}

/// Executes CPUID for a leaf and sub-leaf.
pub fn read(leaf: u32, sub_leaf: u32) -> Leaf {
    let result = __cpuid_count(leaf, sub_leaf);
    Leaf { eax: result.eax, ebx: result.ebx, ecx: result.ecx, edx: result.edx }
}

/// Returns whether this is Xenolith, with its extensions, rather than another Xen.
pub fn is_xenolith() -> bool {
    read(xenolith::CPUID_BASE, 0).signature() == xenolith::CPUID_SIGNATURE
}
