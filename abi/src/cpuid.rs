//! The CPUID leaves by which a guest recognises Xen, and the prefix that forces emulation.
//!
//! Source: `xen/arch-x86/cpuid.h`, `xen/arch-x86/xen.h`.

/// Base: eax is the highest leaf, ebx, ecx and edx are the signature.
#[doc(alias = "XEN_CPUID_FIRST_LEAF")]
pub const FIRST_LEAF: u32 = 0x4000_0000;

/// Version: eax holds major << 16 and minor below.
#[doc(alias = "XEN_CPUID_LEAF(1)")]
pub const VERSION_LEAF: u32 = 0x4000_0001;

/// Hypercalls: eax counts hypercall pages, ebx is the base of Xen's MSRs, ecx holds feature bits.
#[doc(alias = "XEN_CPUID_LEAF(2)")]
pub const HYPERCALL_LEAF: u32 = 0x4000_0002;

/// Time: sub-leaves with TSC mode, frequency, offset and scale.
#[doc(alias = "XEN_CPUID_LEAF(3)")]
pub const TIME_LEAF: u32 = 0x4000_0003;

/// Features of fully virtualised domains.
#[doc(alias = "XEN_CPUID_LEAF(4)")]
pub const HVM_LEAF: u32 = 0x4000_0004;

/// Paravirtual domains: ebx holds the width of a machine address.
#[doc(alias = "XEN_CPUID_LEAF(5)")]
pub const PV_LEAF: u32 = 0x4000_0005;

/// The number of the highest leaf above the base.
#[doc(alias = "XEN_CPUID_MAX_NUM_LEAVES")]
pub const MAX_NUM_LEAVES: u32 = 5;

/// The first four bytes of "XenVMMXenVMM".
#[doc(alias = "XEN_CPUID_SIGNATURE_EBX")]
pub const SIGNATURE_EBX: u32 = 0x566e_6558;

/// The middle four bytes of the signature.
#[doc(alias = "XEN_CPUID_SIGNATURE_ECX")]
pub const SIGNATURE_ECX: u32 = 0x6558_4d4d;

/// The last four bytes of the signature.
#[doc(alias = "XEN_CPUID_SIGNATURE_EDX")]
pub const SIGNATURE_EDX: u32 = 0x4d4d_566e;

/// Bit of ecx in [`HYPERCALL_LEAF`]: [`crate::mmu::PT_UPDATE_PRESERVE_AD`] is supported.
#[doc(alias = "XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD")]
pub const FEAT1_MMU_PT_UPDATE_PRESERVE_AD: u32 = 1 << 0;

/// Bits of ebx in [`PV_LEAF`]: the width of a machine address.
#[doc(alias = "XEN_CPUID_MACHINE_ADDRESS_WIDTH_MASK")]
pub const MACHINE_ADDRESS_WIDTH_MASK: u32 = 0xff;

/// Bytes that, before CPUID, ask for the hypervisor's answer: `ud2a` and "xen".
#[doc(alias = "XEN_EMULATE_PREFIX")]
pub const EMULATE_PREFIX: [u8; 5] = [0x0f, 0x0b, 0x78, 0x65, 0x6e];
