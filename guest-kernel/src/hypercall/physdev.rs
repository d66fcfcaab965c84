//! `physdev_op`: what little of the physical machine an ordinary domain may ask for.

use xenolith_abi::{hypercall, physdev as abi};

use super::{Errno, address_of, call};

/// Sets the I/O privilege level, 0 to 3 (`PHYSDEVOP_set_iopl`).
///
/// # Errors
///
/// `EINVAL` for another level.
pub fn set_iopl(level: u32) -> Result<(), Errno> {
    let argument = abi::SetIopl { iopl: level };
    let arguments = [abi::SET_IOPL.into(), address_of(&raw const argument), 0];
    // SAFETY: the call reads its argument; ports of a guest reach nothing that could hurt it.
    unsafe { call::<{ hypercall::PHYSDEV_OP }>(arguments) }.map(drop)
}
