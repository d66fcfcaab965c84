//! `nmi_op`: the entry of non-maskable interrupts.

use x86_64::VirtAddr;
use xenolith_abi::{hypercall, nmi as abi};

use super::{Errno, address_of, call};

/// Sets the entry of the calling vCPU; events are masked in it.
///
/// # Errors
///
/// `EINVAL` for an address that is not canonical.
///
/// # Safety
///
/// `entry` must be able to take the hypervisor's frame, in the middle of anything.
pub unsafe fn register_callback(entry: VirtAddr) -> Result<(), Errno> {
    let argument = abi::Callback { handler_address: entry.as_u64(), pad: 0 };
    let arguments = [abi::REGISTER_CALLBACK.into(), address_of(&raw const argument), 0];
    // SAFETY: the call reads its argument; the caller answers for the entry.
    unsafe { call::<{ hypercall::NMI_OP }>(arguments) }.map(drop)
}

/// Takes the entry away.
///
/// # Errors
///
/// None are documented.
pub fn unregister_callback() -> Result<(), Errno> {
    // SAFETY: without an entry nothing can enter.
    unsafe { call::<{ hypercall::NMI_OP }>([abi::UNREGISTER_CALLBACK.into(), 0, 0]) }.map(drop)
}
