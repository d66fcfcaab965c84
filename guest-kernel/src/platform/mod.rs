//! What a kernel runs on: one table of operations, chosen at the first instructions and never
//! changed.
//!
//! What both worlds have in common is data: `start_info`, the shared page with its bitmaps and
//! its clock (`docs/architecture.md`, "One kernel, two worlds"). What differs is here, as whole
//! services; single instructions that differ are pvops.

mod xenolith;

use alloc::vec::Vec;

use spin::Once;
use x86_64::VirtAddr;

use crate::{
    entry::Vector,
    events::Port,
    hypercall::{
        Errno,
        event_channel::{Status, Virq},
        memory,
        sched::ShutdownReason,
    },
    time::SystemTime,
};

/// The services of what a kernel runs on.
pub(crate) struct Platform {
    /// Writes all bytes to the console.
    pub(crate) write: fn(&[u8]) -> Result<(), Errno>,
    /// Reads what was typed, without waiting; returns how much.
    pub(crate) read: fn(&mut [u8]) -> Result<usize, Errno>,
    /// Gives the processor away for a moment, if there is anybody to give it to.
    pub(crate) yield_now: fn(),
    /// Has upcalls come to the entry of this library.
    pub(crate) install_upcall: fn() -> Result<(), Errno>,
    /// Gives a source of events a port; `EEXIST` if it has one already.
    pub(crate) bind_virq: fn(Virq) -> Result<Port, Errno>,
    /// Describes a port.
    pub(crate) port_status: fn(Port) -> Result<Status, Errno>,
    /// Has an upcall come that is due because of what this kernel did itself.
    pub(crate) request_upcall: fn(),
    /// Has VIRQ_TIMER raised at a time, or at once if that has passed; perhaps earlier as well.
    pub(crate) set_timer: fn(SystemTime),
    /// Has a vector come to its entry, with flags of `abi::trap`.
    pub(crate) install_vector: fn(Vector, u8) -> Result<(), Errno>,
    /// Has user mode enter the kernel on the stack that ends there.
    pub(crate) install_user: fn(VirtAddr) -> Result<(), Errno>,
    /// Has user mode enter on another stack from now on.
    pub(crate) set_user_stack: fn(VirtAddr),
    /// Has system calls of processes come by an entry of their own, if there is one, in place of that
    /// of [`install_user`](Self::install_user).
    pub(crate) install_process_calls: fn() -> Result<(), Errno>,
    /// Returns the memory map.
    pub(crate) memory_map: fn() -> Result<Vec<memory::Range>, Errno>,
    /// Ends the run.
    pub(crate) shutdown: fn(ShutdownReason) -> !,
}

static CURRENT: Once<&'static Platform> = Once::new();

/// Says what this kernel runs on, if that is not Xenolith; for its first instructions.
pub(crate) fn set(platform: &'static Platform) {
    CURRENT.call_once(|| platform);
}

/// Returns what this kernel runs on.
pub(crate) fn current() -> &'static Platform {
    CURRENT.get().copied().unwrap_or(&xenolith::PLATFORM)
}

/// Returns the memory map of what this kernel runs on.
///
/// # Errors
///
/// `ENOSYS` where there is none.
pub fn memory_map() -> Result<Vec<memory::Range>, Errno> {
    (current().memory_map)()
}

/// Returns what a port is connected to.
///
/// # Errors
///
/// `EINVAL` for a port that there is not.
pub fn port_status(port: Port) -> Result<Status, Errno> {
    (current().port_status)(port)
}

/// Ends the run: the domain's, or where there is no hypervisor the machine's.
pub fn shutdown(reason: ShutdownReason) -> ! {
    (current().shutdown)(reason)
}
