//! What a process needs of the machine, whatever that is: under Xenolith hypercalls, on bare hardware
//! registers and the task state.
//!
//! Page tables are not among it. In both worlds they are the kernel's own to write, by plain stores:
//! under Xenolith nobody has to look at a table before it is used, and a process's tables are made
//! and taken down without a hypercall.

use x86_64::{
    PhysAddr, VirtAddr,
    registers::control::{Cr4, Cr4Flags},
    structures::paging::PhysFrame,
};

use crate::{
    entry::{self, Frame},
    hypercall::Errno,
    paging::FRAME_BITS,
    platform, pvops, user,
};

/// Has SYSCALL of processes come to the kernel, with events disabled.
pub(super) fn install_system_calls() -> Result<(), Errno> {
    user::install()?;
    (platform::current().install_process_calls)()
}

/// Sets the stack on which the kernel is entered from a process.
///
/// # Safety
///
/// `top` must be the end of the stack of the task that is about to run, and that task be in ring 3
/// or about to lose all that is on its stack when it goes there.
pub(super) unsafe fn set_entry_stack(top: VirtAddr) {
    (platform::current().set_user_stack)(top);
}

/// Changes to the address space of a top-level table.
///
/// # Safety
///
/// The table must have all of the kernel's entries, and stay until another is loaded.
pub(super) unsafe fn set_address_space(root: PhysFrame) {
    // SAFETY: promised by the caller.
    unsafe { pvops::write_cr3(root.start_address()) }
}

/// Returns the top-level table that is loaded.
pub(super) fn address_space() -> PhysFrame {
    PhysFrame::containing_address(PhysAddr::new(pvops::read_cr3() & FRAME_BITS))
}

/// Returns the address of the page fault that is being handled.
pub(super) fn fault_address() -> u64 {
    pvops::read_cr2()
}

/// Turns on XSAVE, which Xenolith has done already.
pub(super) fn enable_xsave() {
    if !Cr4::read().contains(Cr4Flags::OSXSAVE) {
        // SAFETY: the processor has it, and the kernel uses none of the registers that it is about.
        unsafe { Cr4::update(|cr4| *cr4 |= Cr4Flags::OSXSAVE) };
    }
}

/// Goes to ring 3 with the registers of `frame`.
///
/// # Safety
///
/// The address space of the process must be loaded, and its entry stack be set.
pub(super) unsafe fn enter(frame: &Frame) -> ! {
    // SAFETY: ring 3 reaches only pages of the process, in which Rust keeps nothing.
    unsafe { entry::continue_with(frame) }
}
