//! CPUID leaves as four registers, and the hypervisors that show there.

use alloc::{string::String, vec::Vec};
use core::arch::x86_64::__cpuid_count;

#[cfg(target_os = "none")]
use xenolith_abi::cpuid::EMULATE_PREFIX;
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

/// Asks for a leaf and sub-leaf, as the kernel's world does it.
pub fn read(leaf: u32, sub_leaf: u32) -> Leaf {
    #[cfg(target_os = "none")]
    return crate::pvops::cpuid(leaf, sub_leaf);
    #[cfg(not(target_os = "none"))]
    native(leaf, sub_leaf)
}

/// Executes CPUID for a leaf and sub-leaf, whatever the world.
pub(crate) fn native(leaf: u32, sub_leaf: u32) -> Leaf {
    let result = __cpuid_count(leaf, sub_leaf);
    Leaf { eax: result.eax, ebx: result.ebx, ecx: result.ecx, edx: result.edx }
}

/// Has the hypervisor answer for a leaf and sub-leaf, whether or not CPUID itself gets to it: UD2
/// and "xen" in front of CPUID ask for that (`xen/arch-x86/xen.h`). Elsewhere it is #UD.
#[cfg(target_os = "none")]
pub fn read_forced(leaf: u32, sub_leaf: u32) -> Leaf {
    let (ebx, edx): (u64, u32);
    let (mut eax, mut ecx) = (leaf, sub_leaf);
    // SAFETY: it changes nothing but four registers, of which RBX, which is the compiler's, is put
    // back.
    unsafe {
        core::arch::asm!(
            "mov {rbx}, rbx",
            ".byte {a}, {b}, {c}, {d}, {e}",
            "cpuid",
            "xchg {rbx}, rbx",
            a = const EMULATE_PREFIX[0],
            b = const EMULATE_PREFIX[1],
            c = const EMULATE_PREFIX[2],
            d = const EMULATE_PREFIX[3],
            e = const EMULATE_PREFIX[4],
            rbx = out(reg) ebx,
            inout("eax") eax,
            inout("ecx") ecx,
            out("edx") edx,
            options(nomem, nostack, preserves_flags),
        );
    }
    let [b0, b1, b2, b3, ..] = ebx.to_le_bytes();
    Leaf { eax, ebx: u32::from_le_bytes([b0, b1, b2, b3]), ecx, edx }
}

/// Returns the processor's name for itself; nothing if it has none.
pub fn brand() -> String {
    const FIRST: u32 = 0x8000_0002;
    if read(0x8000_0000, 0).eax < FIRST + 2 {
        return String::new();
    }
    let leaves = (FIRST..FIRST + 3).map(|leaf| read(leaf, 0));
    let words = leaves.flat_map(|Leaf { eax, ebx, ecx, edx }| [eax, ebx, ecx, edx]);
    let bytes: Vec<u8> = words.flat_map(u32::to_le_bytes).take_while(|&byte| byte != 0).collect();
    String::from_utf8_lossy(&bytes).trim().into()
}

/// Returns whether this is Xenolith, with its extensions, rather than another Xen.
pub fn is_xenolith() -> bool {
    read(xenolith::CPUID_BASE, 0).signature() == xenolith::CPUID_SIGNATURE
}
