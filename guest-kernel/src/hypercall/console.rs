//! `console_io`: bytes to and from the machine's console.

use xenolith_abi::{console, hypercall};

use super::{Errno, address_of, call};

/// Writes all of `bytes`.
///
/// # Errors
///
/// `EPERM` where the hypervisor gives this domain no console.
pub fn write(bytes: &[u8]) -> Result<(), Errno> {
    let arguments = [console::WRITE.into(), bytes.len() as u64, address_of(bytes)];
    // SAFETY: the call only reads the bytes.
    unsafe { call::<{ hypercall::CONSOLE_IO }>(arguments) }.map(drop)
}

/// Reads what has been typed, as much as fits `buffer`, without waiting; returns how much.
///
/// # Errors
///
/// `EPERM` where the hypervisor gives this domain no console.
pub fn read(buffer: &mut [u8]) -> Result<usize, Errno> {
    let arguments = [console::READ.into(), buffer.len() as u64, address_of(&raw mut *buffer)];
    // SAFETY: the call writes at most the length given to the buffer.
    let count = unsafe { call::<{ hypercall::CONSOLE_IO }>(arguments) }?;
    Ok(usize::try_from(count).map_or(buffer.len(), |count| count.min(buffer.len())))
}
