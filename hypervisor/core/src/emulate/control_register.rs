//! Writes to CR0 and CR4: which bits a guest may change.
//!
//! Bits that a guest owns it writes without an exit. Here arrive writes that change others.

use super::Exception;

/// Paging.
pub const CR0_PG: u64 = 1 << 31;
const CR0_PE: u64 = 1 << 0;
const CR0_MP: u64 = 1 << 1;
const CR0_EM: u64 = 1 << 2;
const CR0_TS: u64 = 1 << 3;
const CR0_ET: u64 = 1 << 4;
const CR0_NE: u64 = 1 << 5;
const CR0_WP: u64 = 1 << 16;
const CR0_AM: u64 = 1 << 18;

/// CR0 when a domain starts.
pub const CR0_AT_ENTRY: u64 = CR0_PG | CR0_AM | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE;
/// Bits of CR0 that a guest owns: emulation, task switched, monitor coprocessor, alignment mask.
pub const CR0_GUEST_OWNED: u64 = CR0_MP | CR0_EM | CR0_TS | CR0_AM;

const CR4_TSD: u64 = 1 << 2;
const CR4_DE: u64 = 1 << 3;
const CR4_PAE: u64 = 1 << 5;
const CR4_OSFXSR: u64 = 1 << 9;
const CR4_OSXMMEXCPT: u64 = 1 << 10;
/// Virtual machine extensions.
pub const CR4_VMXE: u64 = 1 << 13;
const CR4_FSGSBASE: u64 = 1 << 16;
/// XSETBV and the XSAVE instructions.
pub const CR4_OSXSAVE: u64 = 1 << 18;
const CR4_SMEP: u64 = 1 << 20;
const CR4_SMAP: u64 = 1 << 21;

/// CR4 when a domain starts, before [`CR4_OSXSAVE`] is added on a CPU that has XSAVE.
pub const CR4_AT_ENTRY: u64 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT;
/// Bits of CR4 that a guest owns, as far as the CPU has them.
pub const CR4_GUEST_OWNED: u64 = CR4_TSD
    | CR4_DE
    | CR4_OSFXSR
    | CR4_OSXMMEXCPT
    | CR4_FSGSBASE
    | CR4_OSXSAVE
    | CR4_SMEP
    | CR4_SMAP;

/// A control register as a guest may see and change it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Register {
    /// What the guest reads now.
    pub shown: u64,
    /// Bits that it may change.
    pub guest_owned: u64,
}

impl Register {
    /// Returns what the register shows after a write of `value`.
    ///
    /// # Errors
    ///
    /// #GP(0) when the write would change a bit that the guest may not change.
    pub const fn write(self, value: u64) -> Result<u64, Exception> {
        if (self.shown ^ value) & !self.guest_owned == 0 {
            Ok(value)
        } else {
            Err(Exception::GENERAL_PROTECTION)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_at_entry_are_those_of_xen() {
        assert_eq!(CR0_AT_ENTRY, 0x8005_0033);
        assert_eq!(CR4_AT_ENTRY | CR4_OSXSAVE, 0x4_0620);
    }

    #[test]
    fn only_owned_bits_change() {
        let cr4 = Register { shown: CR4_AT_ENTRY, guest_owned: CR4_GUEST_OWNED };
        assert_eq!(cr4.write(CR4_AT_ENTRY | CR4_SMEP), Ok(CR4_AT_ENTRY | CR4_SMEP));
        assert_eq!(cr4.write(CR4_AT_ENTRY), Ok(CR4_AT_ENTRY));
        assert_eq!(cr4.write(CR4_AT_ENTRY ^ CR4_OSXSAVE), Ok(CR4_AT_ENTRY ^ CR4_OSXSAVE));
        let pke_and_pks = [1 << 22, 1 << 24];
        for bit in [CR4_VMXE, CR4_PAE, 1 << 17, 1 << 7, 1 << 63].into_iter().chain(pke_and_pks) {
            assert_eq!(cr4.write(CR4_AT_ENTRY ^ bit), Err(Exception::GENERAL_PROTECTION));
        }
        let cr0 = Register { shown: CR0_AT_ENTRY, guest_owned: CR0_GUEST_OWNED };
        for bit in [CR0_PG, CR0_PE, CR0_WP, CR0_NE, 1 << 30, 1 << 29] {
            assert_eq!(cr0.write(CR0_AT_ENTRY ^ bit), Err(Exception::GENERAL_PROTECTION));
        }
        assert!(cr0.write(CR0_AT_ENTRY | CR0_TS).is_ok());
    }
}
