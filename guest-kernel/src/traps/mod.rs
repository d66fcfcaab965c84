//! Exceptions: which handler gets which, probing of addresses, and the end of a kernel that has no
//! handler for what it did.
//!
//! A kernel that installs nothing is ended by the hypervisor at its first exception. With
//! [`install`], an exception in kernel mode goes, in this order, to
//! 1. the fixup of the very instruction, if it has one ([`probe_read`], [`probe_write`]);
//! 2. the handler of its vector ([`set_handler`]);
//! 3. whoever waits for exceptions of what it called ([`catch`]);
//! 4. a panic that shows the registers.

mod catch;
mod fixup;
mod handlers;
mod probe;

pub use catch::catch;
pub(crate) use catch::exchange_point as exchange_catch_point;
pub use handlers::{Handler, set_handler, set_nmi_handler, set_system_call_handler};
pub(crate) use handlers::{handle, handle_nmi, handle_system_call, leave_user, set_first_handler};
pub use probe::{Fault, Probe, probe_read, probe_write};

use crate::{abi::trap, entry::Vector, hypercall::Errno, platform};

/// Vectors of exceptions.
pub const EXCEPTIONS: u8 = 32;

/// Vectors that a user program may raise by `int3` and `into`.
const FOR_USERS: [Vector; 2] = [Vector(3), Vector(4)];

/// Tells the hypervisor our entries of all exceptions, each of which disables events.
///
/// The non-maskable interrupt is among them: its handler is that of vector 2.
///
/// # Errors
///
/// `ENOSYS` under a hypervisor without exception handling.
pub fn install() -> Result<(), Errno> {
    (0..EXCEPTIONS).map(Vector).try_for_each(|vector| {
        let level = if FOR_USERS.contains(&vector) { 3 } else { 0 };
        install_vector(vector, level | trap::FLAG_MASK_EVENTS)
    })
}

/// Tells the hypervisor our entry of one vector, with flags of `abi::trap`.
///
/// # Errors
///
/// As [`install`].
pub fn install_vector(vector: Vector, flags: u8) -> Result<(), Errno> {
    (platform::current().install_vector)(vector, flags)
}
