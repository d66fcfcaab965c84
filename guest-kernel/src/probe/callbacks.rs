//! Entries of the kernel, at any address and with any flags.

use x86_64::VirtAddr;

use crate::hypercall::{
    Errno,
    callback::{self, Kind},
    nmi,
};

/// Registers an entry with flags of `abi::callback` (`callback_op`).
///
/// # Errors
///
/// The hypervisor's.
pub fn register(kind: Kind, flags: u16, entry: VirtAddr) -> Result<(), Errno> {
    // SAFETY: see the module `probe`; scenarios give entries of this library, or want the end.
    unsafe { callback::register_with(kind, flags, entry) }
}

/// Registers the entry of non-maskable interrupts (`nmi_op`).
///
/// # Errors
///
/// The hypervisor's.
pub fn register_nmi(entry: VirtAddr) -> Result<(), Errno> {
    // SAFETY: as for `register`.
    unsafe { nmi::register_callback(entry) }
}

/// Registers the entries of events, failsafe and system calls (`set_callbacks`).
///
/// # Errors
///
/// The hypervisor's.
pub fn set_callbacks(entries: [VirtAddr; 3]) -> Result<(), Errno> {
    // SAFETY: as for `register`.
    unsafe { callback::set_callbacks(entries) }
}
