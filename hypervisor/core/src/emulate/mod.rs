//! Instructions that leave the guest, as functions from registers to what they do.

pub mod compacted;
pub mod control_register;
pub mod cpuid;
pub mod forced;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzz;
pub mod msr;
pub mod port;
pub mod xcr0;

use crate::address::Gva;
use crate::guest_access::Privilege;

/// An exception to deliver to the guest.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Exception {
    /// The vector, below 32.
    pub vector: u8,
    /// The error code, for vectors that have one.
    pub error_code: Option<u32>,
    /// For a page fault, the address.
    pub address: Option<Gva>,
}

impl Exception {
    /// #UD.
    pub const INVALID_OPCODE: Self = Self { vector: 6, error_code: None, address: None };
    /// #GP(0).
    pub const GENERAL_PROTECTION: Self = Self { vector: 13, error_code: Some(0), address: None };

    /// Returns #PF for a write to `address`, which could not be made.
    pub const fn write_fault(address: Gva, privilege: Privilege) -> Self {
        const WRITE: u32 = 1 << 1;
        const USER: u32 = 1 << 2;
        let code = match privilege {
            Privilege::Kernel => WRITE,
            Privilege::User => WRITE | USER,
        };
        Self { vector: 14, error_code: Some(code), address: Some(address) }
    }
}
