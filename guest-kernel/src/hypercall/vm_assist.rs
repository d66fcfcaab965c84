//! `vm_assist`: switches of what the hypervisor does for a guest.

use xenolith_abi::{hypercall, vm_assist};

use super::{Errno, call};

/// Turns an assist on (`VMASST_TYPE_*`).
///
/// # Errors
///
/// `EINVAL` if there is no such assist.
pub fn enable(assist: u32) -> Result<(), Errno> {
    // SAFETY: the call touches no memory; what assists change is not relied on in this library.
    unsafe { call::<{ hypercall::VM_ASSIST }>([vm_assist::CMD_ENABLE.into(), assist.into(), 0]) }
        .map(drop)
}

/// Turns an assist off.
///
/// # Errors
///
/// `EINVAL` if there is no such assist.
pub fn disable(assist: u32) -> Result<(), Errno> {
    // SAFETY: as for `enable`.
    unsafe { call::<{ hypercall::VM_ASSIST }>([vm_assist::CMD_DISABLE.into(), assist.into(), 0]) }
        .map(drop)
}
