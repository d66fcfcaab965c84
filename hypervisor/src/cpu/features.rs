//! What the CPU says of itself.

use raw_cpuid::{CpuId, CpuIdReader, CpuIdReaderNative};

fn cpuid() -> CpuId<CpuIdReaderNative> {
    CpuId::with_cpuid_reader(CpuIdReaderNative)
}

/// Returns whether page tables may have 1 GiB leaves.
pub(crate) fn has_gigabyte_pages() -> bool {
    cpuid()
        .get_extended_processor_and_feature_identifiers()
        .is_some_and(|features| features.has_1gib_pages())
}

/// Returns whether the CPU has VMX.
pub(crate) fn has_vmx() -> bool {
    cpuid().get_feature_info().is_some_and(|features| features.has_vmx())
}

/// Returns whether the CPU has XSAVE.
pub(crate) fn has_xsave() -> bool {
    cpuid().get_feature_info().is_some_and(|features| features.has_xsave())
}

/// Calls `action` with the CPU's name for itself.
pub(crate) fn with_brand<R>(action: impl FnOnce(&str) -> R) -> R {
    match cpuid().get_processor_brand_string() {
        Some(brand) => action(brand.as_str().trim()),
        None => action("unnamed CPU"),
    }
}

/// Returns the registers EAX, EBX, ECX, EDX that CPUID gives for `leaf` and `subleaf`.
pub(crate) fn raw(leaf: u32, subleaf: u32) -> [u32; 4] {
    let result = CpuIdReaderNative.cpuid2(leaf, subleaf);
    [result.eax, result.ebx, result.ecx, result.edx]
}

/// Returns the frequency of the TSC in kHz as CPUID gives it, or 0.
pub(crate) fn tsc_khz() -> u32 {
    let exact = cpuid().get_tsc_info().and_then(|info| info.tsc_frequency());
    let base = cpuid().get_processor_frequency_info().map(|info| info.processor_base_frequency());
    match (exact, base) {
        (Some(hertz), _) => u32::try_from(hertz / 1000).unwrap_or(u32::MAX),
        (None, Some(mhz)) => u32::from(mhz) * 1000,
        (None, None) => 0,
    }
}
