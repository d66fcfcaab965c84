//! `set_debugreg`, `get_debugreg`: breakpoints in hardware.

use xenolith_abi::hypercall;

use super::{Errno, call};

/// Writes a debug register, 0 to 7.
///
/// # Errors
///
/// `EPERM` or `EINVAL` for a value that would break into the hypervisor or sets reserved bits.
pub fn set(register: u8, value: u64) -> Result<(), Errno> {
    // SAFETY: a breakpoint can raise an exception, and nothing else.
    unsafe { call::<{ hypercall::SET_DEBUGREG }>([register.into(), value, 0]) }.map(drop)
}

/// Reads a debug register, 0 to 7.
///
/// # Errors
///
/// `EINVAL` for another number; a register whose value looks like an error cannot be told from one.
pub fn read(register: u8) -> Result<u64, Errno> {
    // SAFETY: the call changes nothing.
    unsafe { call::<{ hypercall::GET_DEBUGREG }>([register.into(), 0, 0]) }
}
