//! `callback_op`: where the hypervisor enters the kernel for what is no exception.

use x86_64::VirtAddr;
use xenolith_abi::{callback as abi, hypercall};

use super::{Errno, address_of, call};

/// What enters the kernel.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Events: an upcall. Always masks events.
    Event,
    /// Segments of the guest that cannot be loaded.
    Failsafe,
    /// SYSCALL in 64-bit user mode.
    Syscall,
    /// A non-maskable interrupt.
    Nmi,
    /// SYSENTER in user mode.
    Sysenter,
    /// SYSCALL in 32-bit user mode.
    Syscall32,
}

impl Kind {
    const fn number(self) -> u16 {
        match self {
            Self::Event => abi::TYPE_EVENT,
            Self::Failsafe => abi::TYPE_FAILSAFE,
            Self::Syscall => abi::TYPE_SYSCALL,
            Self::Nmi => abi::TYPE_NMI,
            Self::Sysenter => abi::TYPE_SYSENTER,
            Self::Syscall32 => abi::TYPE_SYSCALL32,
        }
    }
}

/// Sets an entry; events are masked in it.
///
/// # Errors
///
/// `EINVAL` for an address that is not canonical, `ENOSYS` for a kind the hypervisor lacks.
///
/// # Safety
///
/// `entry` must be able to take the hypervisor's frame, in the middle of anything.
pub unsafe fn register(kind: Kind, entry: VirtAddr) -> Result<(), Errno> {
    // SAFETY: promised by the caller.
    unsafe { register_with(kind, abi::FLAG_MASK_EVENTS, entry) }
}

/// Sets an entry with flags of `abi::callback`.
///
/// # Errors
///
/// As [`register`].
///
/// # Safety
///
/// As for [`register`], also while events are enabled if the flags do not mask them.
pub unsafe fn register_with(kind: Kind, flags: u16, entry: VirtAddr) -> Result<(), Errno> {
    let address = entry.as_u64();
    let argument = abi::Register { type_: kind.number(), flags, padding: 0, address };
    let arguments = [abi::REGISTER.into(), address_of(&raw const argument), 0];
    // SAFETY: the call reads its argument; the caller answers for the entry.
    unsafe { call::<{ hypercall::CALLBACK_OP }>(arguments) }.map(drop)
}

/// Takes an entry away.
///
/// # Errors
///
/// `EINVAL` for the kinds that Xen does not let go: event, failsafe and syscall.
pub fn unregister(kind: Kind) -> Result<(), Errno> {
    let argument = abi::Unregister { type_: kind.number(), unused: 0 };
    let arguments = [abi::UNREGISTER.into(), address_of(&raw const argument), 0];
    // SAFETY: the call reads its argument; without an entry nothing can enter.
    unsafe { call::<{ hypercall::CALLBACK_OP }>(arguments) }.map(drop)
}

/// Sets the event, failsafe and syscall entries at once (`set_callbacks`, the older form); the last
/// of them does not mask events.
///
/// # Errors
///
/// None are documented.
///
/// # Safety
///
/// As for [`register_with`].
pub unsafe fn set_callbacks([event, failsafe, syscall]: [VirtAddr; 3]) -> Result<(), Errno> {
    let arguments = [event.as_u64(), failsafe.as_u64(), syscall.as_u64()];
    // SAFETY: promised by the caller.
    unsafe { call::<{ hypercall::SET_CALLBACKS }>(arguments) }.map(drop)
}
