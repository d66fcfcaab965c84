//! CPUID as a domain sees it.
//!
//! Features are shown only if they are on a list here, so that what a later CPU adds stays hidden
//! until somebody has thought about it. Leaves that are not named read as zeros.

mod extended_state;

use xenolith_abi::{cpuid as abi, xenolith};

/// EAX, EBX, ECX, EDX.
pub type Registers = [u32; 4];

/// What leaves depend on besides the CPU.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// Number of the vCPU, which is its APIC ID.
    pub vcpu: u32,
    /// Whether the guest has CR4.OSXSAVE on.
    pub osxsave: bool,
    /// Extended control register 0, as the guest has set it; 0 without XSAVE.
    pub xcr0: u64,
    /// Whether RDTSCP works.
    pub rdtscp: bool,
    /// Whether XSAVEC does.
    pub xsavec: bool,
    /// Frequency of the TSC in kHz, 0 when not known.
    pub tsc_khz: u32,
    /// First frame number above all that the domain may name.
    pub max_gfn: u64,
}

/// Leaf 1 ECX: SSE3, PCLMULQDQ, SSSE3, FMA, CX16, SSE4.1, SSE4.2, MOVBE, POPCNT, AES, XSAVE, AVX,
/// F16C, RDRAND.
const LEAF1_ECX: u32 = bits(&[0, 1, 9, 12, 13, 19, 20, 22, 23, 25, 26, 28, 29, 30]);
/// Leaf 1 ECX: OSXSAVE.
const OSXSAVE: u32 = 1 << 27;
/// Leaf 1 ECX: there is a hypervisor.
const HYPERVISOR: u32 = 1 << 31;
/// Leaf 1 EDX: FPU, DE, TSC, MSR, PAE, CX8, CMOV, CLFSH, MMX, FXSR, SSE, SSE2, SS.
const LEAF1_EDX: u32 = bits(&[0, 2, 4, 5, 6, 8, 15, 19, 23, 24, 25, 26, 27]);
/// Leaf 7 EBX: FSGSBASE, BMI1, AVX2, SMEP, BMI2, ERMS, AVX512F, AVX512DQ, RDSEED, ADX, SMAP,
/// AVX512IFMA, CLFLUSHOPT, CLWB, AVX512CD, SHA, AVX512BW, AVX512VL.
const LEAF7_EBX: u32 = bits(&[0, 3, 5, 7, 8, 9, 16, 17, 18, 19, 20, 21, 23, 24, 28, 29, 30, 31]);
/// Leaf 7 ECX: AVX512VBMI, AVX512VBMI2, GFNI, VAES, VPCLMULQDQ, AVX512VNNI, AVX512BITALG,
/// AVX512VPOPCNTDQ.
const LEAF7_ECX: u32 = bits(&[1, 6, 8, 9, 10, 11, 12, 14]);
/// Leaf 7 EDX: FSRM.
const LEAF7_EDX: u32 = bits(&[4]);
/// Leaf 0x80000001 ECX: LAHF, LZCNT, PREFETCHW.
const EXTENDED_ECX: u32 = bits(&[0, 5, 8]);
/// Leaf 0x80000001 EDX: SYSCALL, NX, 1 GiB pages, long mode.
const EXTENDED_EDX: u32 = bits(&[11, 20, 26, 29]);
/// Leaf 0x80000001 EDX: RDTSCP.
const RDTSCP: u32 = 1 << 27;
/// Leaf 0x80000007 EDX: invariant TSC.
const INVARIANT_TSC: u32 = 1 << 8;
/// Highest basic leaf that a domain sees.
const MAX_BASIC: u32 = 0x16;
/// Highest extended leaf that a domain sees.
const MAX_EXTENDED: u32 = 0x8000_0008;

/// Counters of the exit-count extension.
const SLOTS: u32 = 80;
const _: () = assert!(SLOTS as usize == xenolith::EXIT_REASON_SLOTS);

const fn bits(numbers: &[u32]) -> u32 {
    let mut mask = 0;
    let mut i = 0;
    while i < numbers.len() {
        mask |= 1 << numbers[i];
        i += 1;
    }
    mask
}

/// Returns what the guest reads; `cpu` gives what the CPU itself says for a leaf and subleaf.
pub fn filter(
    leaf: u32,
    subleaf: u32,
    view: &View,
    cpu: impl Fn(u32, u32) -> Registers,
) -> Registers {
    match leaf {
        0x4000_0000..=0x4fff_ffff => hypervisor_leaf(leaf, subleaf, view),
        _ => cpu_leaf(leaf, subleaf, view, &cpu),
    }
}

fn cpu_leaf(
    leaf: u32,
    subleaf: u32,
    view: &View,
    cpu: &impl Fn(u32, u32) -> Registers,
) -> Registers {
    let [eax, ebx, ecx, edx] = cpu(leaf, subleaf);
    match (leaf, subleaf) {
        (0, _) => [eax.min(MAX_BASIC), ebx, ecx, edx],
        (1, _) => leaf1(view, [eax, ebx, ecx, edx]),
        (2 | 4 | 0x8000_0002..=0x8000_0006, _) => [eax, ebx, ecx, edx],
        (7, 0) => [0, ebx & LEAF7_EBX, ecx & LEAF7_ECX, edx & LEAF7_EDX],
        (0xb, _) => topology(subleaf, view),
        (0xd, _) => extended_state::leaf(subleaf, view, cpu),
        (0x16, _) => frequencies(view, [eax, ebx, ecx, edx]),
        (0x8000_0000, _) => [eax.min(MAX_EXTENDED), ebx, ecx, edx],
        (0x8000_0001, _) => {
            let rdtscp = if view.rdtscp { edx & RDTSCP } else { 0 };
            [eax, 0, ecx & EXTENDED_ECX, (edx & EXTENDED_EDX) | rdtscp]
        }
        (0x8000_0007, _) => [0, 0, 0, edx & INVARIANT_TSC],
        (0x8000_0008, _) => [eax & 0xffff, 0, 0, 0],
        _ => [0; 4],
    }
}

/// Family, model, stepping; APIC ID and CLFLUSH size; features.
fn leaf1(view: &View, [eax, ebx, ecx, edx]: Registers) -> Registers {
    const CLFLUSH_SIZE: u32 = 0xff00;
    const ONE_LOGICAL_CPU: u32 = 1 << 16;
    let osxsave = if view.osxsave { OSXSAVE } else { 0 };
    [
        eax,
        (ebx & CLFLUSH_SIZE) | ONE_LOGICAL_CPU | (view.vcpu << 24),
        (ecx & LEAF1_ECX) | osxsave | HYPERVISOR,
        edx & LEAF1_EDX,
    ]
}

/// One thread per core, one core per package.
fn topology(subleaf: u32, view: &View) -> Registers {
    let kind = match subleaf {
        0 => 1,
        1 => 2,
        _ => 0,
    };
    let count = u32::from(kind != 0);
    [0, count, (subleaf & 0xff) | kind << 8, view.vcpu]
}

/// Base, maximum and bus frequency in MHz: those of the TSC as it was measured, so that a guest
/// which computes time from them agrees with the timers; the CPU's own only if it was not measured.
fn frequencies(view: &View, [eax, ebx, ecx, _]: Registers) -> Registers {
    match view.tsc_khz / 1000 {
        0 => [eax, ebx, ecx, 0],
        mhz => [mhz, mhz, 0, 0],
    }
}

fn hypervisor_leaf(leaf: u32, subleaf: u32, view: &View) -> Registers {
    match leaf {
        abi::FIRST_LEAF => [
            abi::FIRST_LEAF + abi::MAX_NUM_LEAVES,
            abi::SIGNATURE_EBX,
            abi::SIGNATURE_ECX,
            abi::SIGNATURE_EDX,
        ],
        abi::VERSION_LEAF => [(4 << 16) + 17, 0, 0, 0],
        abi::HYPERCALL_LEAF => {
            [1, super::msr::XEN_HYPERCALL_PAGE, abi::FEAT1_MMU_PT_UPDATE_PRESERVE_AD, 0]
        }
        abi::TIME_LEAF => match subleaf {
            0 => [0, 0, view.tsc_khz, 1],
            2 => [view.tsc_khz, 0, 0, 0],
            _ => [0; 4],
        },
        abi::PV_LEAF if subleaf == 0 => [0, address_width(view.max_gfn), 0, 0],
        xenolith::CPUID_BASE => {
            let [a, b, c] = words(&xenolith::CPUID_SIGNATURE);
            [xenolith::CPUID_MAX, a, b, c]
        }
        xenolith::CPUID_FEATURES => {
            [xenolith::EXTENSION_VERSION, xenolith::OP, SLOTS, xenolith::NO_RESTART]
        }
        _ => [0; 4],
    }
}

/// Bits of the largest machine address.
fn address_width(max_gfn: u64) -> u32 {
    (64 - max_gfn.saturating_sub(1).leading_zeros() + 12) & abi::MACHINE_ADDRESS_WIDTH_MASK
}

fn words(signature: &[u8; 12]) -> [u32; 3] {
    let word = |at: usize| {
        u32::from_le_bytes([signature[at], signature[at + 1], signature[at + 2], signature[at + 3]])
    };
    [word(0), word(4), word(8)]
}

#[expect(clippy::cast_possible_truncation, reason = "the allowed components are below bit 32")]
const fn low(value: u64) -> u32 {
    value as u32
}

#[cfg(test)]
mod tests;
