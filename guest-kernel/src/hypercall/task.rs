//! What a kernel tells the hypervisor when it changes from one task to another.

use x86_64::VirtAddr;
use xenolith_abi::{hypercall, xenolith::KERNEL_SS};

use super::{Errno, call};

/// Sets the stack on which the kernel is entered from user mode (`stack_switch`).
///
/// # Errors
///
/// None are documented.
///
/// # Safety
///
/// `top` must be the end of a stack that nothing else uses when user mode is left.
pub unsafe fn stack_switch(top: VirtAddr) -> Result<(), Errno> {
    let arguments = [KERNEL_SS.into(), top.as_u64(), 0];
    // SAFETY: promised by the caller.
    unsafe { call::<{ hypercall::STACK_SWITCH }>(arguments) }.map(drop)
}

/// Whether the next use of the x87 or vector unit is an exception (CR0.TS).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FpuUse {
    /// It goes ahead.
    Allowed,
    /// It is a device-not-available exception.
    Trapped,
}

/// Sets whether use of the x87 or vector unit traps (`fpu_taskswitch`).
///
/// # Errors
///
/// None are documented.
pub fn fpu_taskswitch(fpu: FpuUse) -> Result<(), Errno> {
    let set = u64::from(fpu == FpuUse::Trapped);
    // SAFETY: compiled kernel code does not use these units.
    unsafe { call::<{ hypercall::FPU_TASKSWITCH }>([set, 0, 0]) }.map(drop)
}
