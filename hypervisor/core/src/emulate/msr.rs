//! RDMSR and WRMSR: everything that is not named here is #GP(0).
//!
//! The bases of FS and GS and the auxiliary TSC value belong to the guest and do not exit.

use super::Exception;

/// IA32_EFER.
pub const EFER: u32 = 0xc000_0080;
/// IA32_FS_BASE.
pub const FS_BASE: u32 = 0xc000_0100;
/// IA32_GS_BASE.
pub const GS_BASE: u32 = 0xc000_0101;
/// IA32_KERNEL_GS_BASE.
pub const KERNEL_GS_BASE: u32 = 0xc000_0102;
/// IA32_TSC_AUX.
pub const TSC_AUX: u32 = 0xc000_0103;
/// Xen's way to ask for a hypercall page at run time (CPUID leaf 0x40000002).
pub const XEN_HYPERCALL_PAGE: u32 = 0x4000_0000;

/// What a domain of Xen reads as IA32_EFER: SCE, LME, LMA, NXE.
const EFER_SHOWN: u64 = 0xd01;

/// IA32_BIOS_SIGN_ID, the revision of the microcode: of the host, so not told. Kernels clear it
/// before they read it.
const BIOS_SIGN_ID: u32 = 0x8b;

/// IA32_MISC_ENABLE.
const MISC_ENABLE: u32 = 0x1a0;
/// Fast strings; no branch trace, no precise sampling, no xTPR messages. Kernels look for the
/// first, and make do without string instructions where it is off.
const MISC_ENABLE_SHOWN: u64 = 1 << 0 | 1 << 11 | 1 << 12 | 1 << 23;

/// IA32_PAT.
const PAT: u32 = 0x277;
/// The memory types of a domain's pages, which are Xen's: WB, WT, UC-, UC, WC, WP, UC, UC.
pub const PAT_SHOWN: u64 = 0x0000_0501_0007_0406;

/// Returns what reading `msr` gives.
///
/// # Errors
///
/// #GP(0) when the guest may not read it.
pub const fn read(msr: u32) -> Result<u64, Exception> {
    match msr {
        EFER => Ok(EFER_SHOWN),
        PAT => Ok(PAT_SHOWN),
        BIOS_SIGN_ID => Ok(0),
        MISC_ENABLE => Ok(MISC_ENABLE_SHOWN),
        _ => Err(Exception::GENERAL_PROTECTION),
    }
}

/// What a write does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Write {
    /// Nothing.
    Ignore,
    /// A hypercall page is to be put at the start of this frame.
    HypercallPage(crate::address::Gfn),
}

/// Returns what writing `value` to `msr` does.
///
/// # Errors
///
/// #GP(0) when the guest may not write it, or not this value.
pub const fn write(msr: u32, value: u64) -> Result<Write, Exception> {
    match msr {
        EFER if value == EFER_SHOWN => Ok(Write::Ignore),
        MISC_ENABLE if value == MISC_ENABLE_SHOWN => Ok(Write::Ignore),
        BIOS_SIGN_ID if value == 0 => Ok(Write::Ignore),
        // The low bits number the page; there is one.
        XEN_HYPERCALL_PAGE if value.trailing_zeros() >= 12 => {
            Ok(Write::HypercallPage(crate::address::Gpa(value).gfn()))
        }
        _ => Err(Exception::GENERAL_PROTECTION),
    }
}

/// The MSRs that belong to the guest and need no exit; the last only where RDTSCP works.
pub const GUEST_OWNED: [u32; 4] = [FS_BASE, GS_BASE, KERNEL_GS_BASE, TSC_AUX];

/// Returns byte and bit of `msr` in the half of the MSR bitmaps that is for reads; the half for
/// writes follows 2048 bytes on. `None` for MSRs that always exit (SDM 3C, "MSR-Bitmap Address").
pub const fn bitmap_position(msr: u32) -> Option<(usize, u8)> {
    let (base, index) = match msr {
        0..=0x1fff => (0, msr),
        0xc000_0000..=0xc000_1fff => (1024, msr - 0xc000_0000),
        _ => return None,
    };
    Some((base + crate::address::to_usize(index as u64) / 8, 1 << (index % 8)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Gfn;

    #[test]
    fn unknown_registers_fault() {
        for msr in [0, 0x10, 0x1b, 0x3a, 0x480, 0x6e1, 0xc000_0081, 0xc000_0082, u32::MAX] {
            assert_eq!(read(msr), Err(Exception::GENERAL_PROTECTION), "{msr:#x}");
            assert_eq!(write(msr, 0), Err(Exception::GENERAL_PROTECTION), "{msr:#x}");
        }
    }

    #[test]
    fn efer_reads_as_on_xen_and_stays() {
        assert_eq!(read(EFER), Ok(0xd01));
        assert_eq!(write(EFER, 0xd01), Ok(Write::Ignore));
        assert_eq!(write(EFER, 0x501), Err(Exception::GENERAL_PROTECTION));
    }

    #[test]
    fn nothing_is_told_of_the_hosts_microcode() {
        assert_eq!(write(BIOS_SIGN_ID, 0), Ok(Write::Ignore));
        assert_eq!(read(BIOS_SIGN_ID), Ok(0));
        assert_eq!(write(BIOS_SIGN_ID, 1), Err(Exception::GENERAL_PROTECTION));
    }

    #[test]
    fn strings_are_fast_and_stay_so() {
        assert_eq!(read(MISC_ENABLE), Ok(0x80_1801));
        assert_eq!(write(MISC_ENABLE, 0x80_1801), Ok(Write::Ignore));
        assert_eq!(write(MISC_ENABLE, 0x80_1800), Err(Exception::GENERAL_PROTECTION));
    }

    #[test]
    fn hypercall_page_by_msr() {
        assert_eq!(write(0x4000_0000, 0x5000), Ok(Write::HypercallPage(Gfn(5))));
        assert_eq!(write(0x4000_0000, 0x5001), Err(Exception::GENERAL_PROTECTION));
    }

    #[test]
    fn bitmap_positions() {
        assert_eq!(bitmap_position(0), Some((0, 1)));
        assert_eq!(bitmap_position(0x1fff), Some((1023, 0x80)));
        assert_eq!(bitmap_position(FS_BASE), Some((1024 + 32, 1)));
        assert_eq!(bitmap_position(KERNEL_GS_BASE), Some((1024 + 32, 4)));
        assert_eq!(bitmap_position(0x2000), None);
        assert_eq!(bitmap_position(0x4000_0000), None);
    }
}
