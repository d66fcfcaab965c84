//! Descriptor tables, and the bases of FS and GS.

use x86_64::{PhysAddr, VirtAddr};
use xenolith_abi::{hypercall, segment as abi};

use super::{Errno, address_of, call};

/// Sets the frames of the descriptor table and its number of descriptors (`set_gdt`).
///
/// # Errors
///
/// `EINVAL` for too many descriptors or a bad frame.
///
/// # Safety
///
/// The frames must hold descriptors only, and what the selectors in use need.
pub unsafe fn set_gdt(frames: &[u64], descriptors: u32) -> Result<(), Errno> {
    let arguments = [address_of(frames), descriptors.into(), 0];
    // SAFETY: the call reads as many frame numbers as the descriptors take; the caller answers for
    // what they hold.
    unsafe { call::<{ hypercall::SET_GDT }>(arguments) }.map(drop)
}

/// Writes one descriptor by its guest-physical address (`update_descriptor`).
///
/// # Errors
///
/// `EINVAL` for an address that is not a descriptor's.
///
/// # Safety
///
/// Eight bytes at that address must be a descriptor that may be replaced.
pub unsafe fn update_descriptor(at: PhysAddr, descriptor: u64) -> Result<(), Errno> {
    // SAFETY: promised by the caller.
    unsafe { call::<{ hypercall::UPDATE_DESCRIPTOR }>([at.as_u64(), descriptor, 0]) }.map(drop)
}

/// A base that can be set.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Base {
    /// Of FS.
    Fs,
    /// Of GS in user mode.
    UserGs,
    /// Of GS in kernel mode.
    KernelGs,
}

/// Sets the base of FS or GS (`set_segment_base`).
///
/// # Errors
///
/// `EINVAL` for an address that is not canonical.
///
/// # Safety
///
/// Nothing that runs may rely on the old base.
pub unsafe fn set_base(base: Base, address: VirtAddr) -> Result<(), Errno> {
    let which = match base {
        Base::Fs => abi::SEGBASE_FS,
        Base::UserGs => abi::SEGBASE_GS_USER,
        Base::KernelGs => abi::SEGBASE_GS_KERNEL,
    };
    // SAFETY: promised by the caller.
    unsafe { set_segment_base(which, address.as_u64()) }
}

/// Sets the selector in GS in user mode, and its base with it (`SEGBASE_GS_USER_SEL`).
///
/// # Errors
///
/// None: a selector that cannot be loaded becomes the null selector.
///
/// # Safety
///
/// As for [`set_base`].
pub unsafe fn set_user_gs_selector(selector: u16) -> Result<(), Errno> {
    // SAFETY: promised by the caller.
    unsafe { set_segment_base(abi::SEGBASE_GS_USER_SEL, selector.into()) }
}

unsafe fn set_segment_base(which: u32, value: u64) -> Result<(), Errno> {
    // SAFETY: promised by the callers.
    unsafe { call::<{ hypercall::SET_SEGMENT_BASE }>([which.into(), value, 0]) }.map(drop)
}
