//! Instructions that leave the guest, as functions from registers to what they do.

pub mod control_register;
pub mod cpuid;
pub mod msr;
pub mod port;
pub mod xcr0;

/// An exception to deliver to the guest.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Exception {
    /// The vector, below 32.
    pub vector: u8,
    /// The error code, for vectors that have one.
    pub error_code: Option<u32>,
}

impl Exception {
    /// #UD.
    pub const INVALID_OPCODE: Self = Self { vector: 6, error_code: None };
    /// #GP(0).
    pub const GENERAL_PROTECTION: Self = Self { vector: 13, error_code: Some(0) };
}
