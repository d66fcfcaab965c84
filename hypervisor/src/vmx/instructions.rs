//! The VMX instructions. Status flags are looked at in the asm block that sets them.

use core::arch::asm;
use xenolith_core::address::Hpa;

/// An instruction did not succeed; details, if there are any, are in the current VMCS.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct VmFail;

macro_rules! with_operand {
    ($($(#[$doc:meta])* $name:ident = $mnemonic:literal;)*) => {$(
        $(#[$doc])*
        pub(super) unsafe fn $name(region: Hpa) -> Result<(), VmFail> {
            let failed: u8;
            // SAFETY: the caller keeps the contract; the operand is a copy on this stack.
            unsafe {
                asm!(concat!($mnemonic, " qword ptr [{operand}]"), "setbe {failed}",
                    operand = in(reg) &raw const region.0, failed = out(reg_byte) failed,
                    options(nostack));
            }
            if failed == 0 { Ok(()) } else { Err(VmFail) }
        }
    )*};
}

with_operand! {
    /// Enters VMX operation.
    ///
    /// # Safety
    ///
    /// CR0, CR4 and IA32_FEATURE_CONTROL must allow it; `region` must be a page of its own that
    /// starts with the revision identifier.
    vmxon = "vmxon";
    /// Makes the VMCS at `region` inactive and its launch state clear.
    ///
    /// # Safety
    ///
    /// In VMX operation; `region` must be a VMCS's page.
    vmclear = "vmclear";
    /// Makes the VMCS at `region` current.
    ///
    /// # Safety
    ///
    /// In VMX operation; `region` must be a VMCS's page that no other CPU has active.
    vmptrld = "vmptrld";
}

/// Reads a field of the current VMCS. A field that does not exist ends in #UD: a bug.
///
/// # Safety
///
/// In VMX root operation with a current VMCS.
#[inline]
pub(super) unsafe fn vmread(encoding: u32) -> u64 {
    let value;
    // SAFETY: the caller guarantees the mode; only the named registers change.
    unsafe {
        asm!("vmread {value}, {encoding}", "ja 2f", "ud2", "2:",
            value = out(reg) value, encoding = in(reg) u64::from(encoding),
            options(nostack, readonly));
    }
    value
}

/// Writes a field of the current VMCS. A field that does not exist ends in #UD: a bug.
///
/// # Safety
///
/// In VMX root operation with a current VMCS; the value must keep what the rest of the hypervisor
/// relies on, above all in host state and controls.
#[inline]
pub(super) unsafe fn vmwrite(encoding: u32, value: u64) {
    // SAFETY: the caller guarantees the mode and the value.
    unsafe {
        asm!("vmwrite {encoding}, {value}", "ja 2f", "ud2", "2:",
            value = in(reg) value, encoding = in(reg) u64::from(encoding),
            options(nostack));
    }
}

/// Drops everything cached for EPT, in all contexts.
///
/// # Safety
///
/// In VMX operation on a CPU that has this form of INVEPT.
pub(super) unsafe fn invept_all() {
    const ALL_CONTEXTS: u64 = 2;
    let descriptor = [0u64; 2];
    // SAFETY: the caller guarantees that the instruction exists.
    unsafe {
        asm!("invept {kind}, [{descriptor}]", kind = in(reg) ALL_CONTEXTS,
            descriptor = in(reg) &raw const descriptor, options(nostack));
    }
}

/// Drops everything cached for VPIDs, in all contexts.
///
/// # Safety
///
/// In VMX operation on a CPU that has this form of INVVPID.
pub(super) unsafe fn invvpid_all() {
    const ALL_CONTEXTS: u64 = 2;
    let descriptor = [0u64; 2];
    // SAFETY: the caller guarantees that the instruction exists.
    unsafe {
        asm!("invvpid {kind}, [{descriptor}]", kind = in(reg) ALL_CONTEXTS,
            descriptor = in(reg) &raw const descriptor, options(nostack));
    }
}
