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
