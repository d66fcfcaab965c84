//! `set_trap_table`: the entries of exceptions and software interrupts.

use xenolith_abi::{hypercall, trap::TrapInfo};

use super::{Errno, address_of, call};

/// Sets the entries of a list that ends with an address of 0; other vectors keep theirs.
///
/// # Errors
///
/// `EFAULT` for a list that cannot be read, `EPERM` or `EINVAL` for a bad entry.
///
/// # Panics
///
/// If the list does not end that way.
///
/// # Safety
///
/// Each entry must be able to take its exception's frame.
pub unsafe fn set_table(table: &[TrapInfo]) -> Result<(), Errno> {
    assert!(table.iter().any(|entry| entry.address == 0), "the hypervisor reads up to the end");
    let arguments = [address_of(table), 0, 0];
    // SAFETY: the call reads the table up to its end; the caller answers for the entries.
    unsafe { call::<{ hypercall::SET_TRAP_TABLE }>(arguments) }.map(drop)
}

/// Takes all entries away: every exception is then the domain's crash.
///
/// # Errors
///
/// None are documented.
pub fn clear_table() -> Result<(), Errno> {
    // SAFETY: without entries nothing can enter.
    unsafe { call::<{ hypercall::SET_TRAP_TABLE }>([0; 3]) }.map(drop)
}
