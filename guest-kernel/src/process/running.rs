//! A process while it lives, and which of them runs.

use core::{
    ptr::null_mut,
    sync::atomic::{AtomicBool, AtomicPtr, Ordering::Relaxed},
};

use x86_64::{VirtAddr, registers::model_specific::FsBase, structures::paging::PhysFrame};

use super::{
    address_space::AddressSpace, extended::Extended, files::Files, machine, table::ProcessId,
};
use crate::{
    irq,
    tasks::{self, Name},
};

/// A process, for as long as its task runs it.
#[derive(Debug)]
pub struct Process {
    pub(super) id: ProcessId,
    pub(super) name: Name,
    pub(super) root: PhysFrame,
    pub(super) space: spin::Mutex<AddressSpace>,
    pub(super) files: spin::Mutex<Files>,
    pub(super) extended: Extended,
    /// It was ended at the console, and does not go back to ring 3.
    pub(super) is_interrupted: AtomicBool,
}

/// The process of the running task.
static CURRENT: AtomicPtr<Process> = AtomicPtr::new(null_mut());

/// Returns the process of the running task.
#[inline]
pub(super) fn current() -> Option<&'static Process> {
    // SAFETY: it is there until its own task gives it up, and does not go back to who asked.
    unsafe { CURRENT.load(Relaxed).as_ref() }
}

/// Makes a process that of the running task, in its address space; events are disabled from then on.
///
/// # Safety
///
/// The process must be there until [`stop`], and the task go to ring 3.
pub(super) unsafe fn start(process: *mut Process) {
    irq::irq_disable();
    tasks::set_process(process);
    CURRENT.store(process, Relaxed);
    // SAFETY: promised by the caller.
    let Process { root, extended, .. } = unsafe { &*process };
    // SAFETY: the table has the kernel's entries, and stays until `stop` has loaded another.
    unsafe { machine::set_address_space(*root) };
    extended.load();
    // SAFETY: the stack is that of this task, which does not come back to what is on it.
    unsafe { machine::set_entry_stack(tasks::stack().end) };
}

/// Takes its process from the running task and leaves its address space for that of the kernel.
pub(super) fn stop(of_kernel: PhysFrame) -> *mut Process {
    let _off = irq::disable_for_now();
    let process = CURRENT.swap(null_mut(), Relaxed);
    tasks::set_process(null_mut());
    // SAFETY: it is the kernel's own table.
    unsafe { machine::set_address_space(of_kernel) };
    process
}

/// Changes from the process of one task to that of another, either of which may have none; `top` is
/// the end of the other's stack. Events are disabled.
///
/// A task without a process runs in whatever address space is loaded, and leaves the registers that
/// kernels do not use as they are.
pub(crate) fn change(from: *mut Process, to: *mut Process, top: VirtAddr) {
    CURRENT.store(to, Relaxed);
    // SAFETY: a process is there as long as its task says that it has one.
    if let Some(from) = unsafe { from.as_ref() } {
        from.extended.save();
    }
    // SAFETY: likewise.
    let Some(to) = (unsafe { to.as_ref() }) else { return };
    to.extended.load();
    // SAFETY: the stack is that of the task that runs next.
    unsafe { machine::set_entry_stack(top) };
    let root = to.root;
    if machine::address_space() != root {
        // SAFETY: the table has the kernel's entries, and stays as long as the process.
        unsafe { machine::set_address_space(root) };
    }
}

/// Sets the base of FS of the running process, to an address of processes.
pub(super) fn set_fs_base(address: u64) {
    // Saved with the other registers when the process loses the processor.
    FsBase::write(VirtAddr::new(address));
}
