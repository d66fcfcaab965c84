//! Doing what may end in an exception, and going on.

use core::mem::ManuallyDrop;

use x86_64::VirtAddr;

use crate::{
    entry::{self, Frame},
    hypercall::{
        Errno,
        callback::{self, Kind},
    },
    traps::{self, Fault, Probe},
    user,
};

/// Calls `function`; returns the registers at the exception or system call that ended it, or `None`
/// if it returned.
///
/// What it held when it was ended is not dropped. Exceptions must be installed.
pub fn catch(function: impl FnOnce()) -> Option<Frame> {
    extern "C" fn call<F: FnOnce()>(function: *mut ()) {
        let function: *mut F = function.cast();
        // SAFETY: `catch` passes a function of this type, once, and does not drop it.
        let function = unsafe { function.read() };
        function();
    }
    fn entry<F: FnOnce()>(_: &F) -> extern "C" fn(*mut ()) {
        call::<F>
    }
    let entry = entry(&function);
    let mut function = ManuallyDrop::new(function);
    // SAFETY: see the module `probe`; scenarios catch what holds nothing.
    unsafe { traps::catch(entry, (&raw mut function).cast()) }
}

/// Continues with the registers of any frame, in any ring, by the `iret` hypercall; returns those at
/// the next exception or system call.
pub fn continue_with(frame: &Frame) -> Frame {
    // SAFETY: see the module `probe`; scenarios continue where something ends it.
    unsafe { user::run_raw(frame) }
}

/// Sets the kernel's entry for system calls, with flags of `abi::callback`.
///
/// # Errors
///
/// `ENOSYS` under a hypervisor without system calls.
pub fn install_system_call(flags: u16) -> Result<(), Errno> {
    // SAFETY: the entry saves everything, and stands being interrupted.
    unsafe { callback::register_with(Kind::Syscall, flags, entry::syscall_address()) }
}

/// Stores to any address, mapped or not.
///
/// # Errors
///
/// The exception, if there was one.
pub fn write<T: Probe>(address: VirtAddr, value: T) -> Result<(), Fault> {
    // SAFETY: see the module `probe`; scenarios store where Rust keeps nothing.
    unsafe { traps::probe_write(address, value) }
}
