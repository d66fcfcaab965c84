//! Processes: programs of the ramdisk in ring 3, each with an address space of its own.
//!
//! A kernel calls [`install`] once, behind [`tasks::start`](crate::tasks::start). Each process is a
//! task; what it did last stands at the top of that task's stack, so a system call may wait and a
//! process may be preempted like any task. What a process does wrong ends it alone, with a line on
//! the console. The system calls are described in the package `xenolith-system-calls`.
//!
//! Decisions are apart and run on the host: [`elf`], [`regions`], [`page_table`], [`resolve`],
//! [`table`], [`files`] and the checks of [`arguments`]. `machine` has all that a kernel on bare hardware does otherwise.
//! `docs/architecture.md`, "Processes", tells more.

pub mod arguments;
pub mod elf;
pub mod files;
pub mod page_table;
pub mod regions;
pub mod resolve;
pub mod table;

#[cfg(target_os = "none")]
mod address_space;
#[cfg(target_os = "none")]
mod errors;
#[cfg(target_os = "none")]
mod extended;
#[cfg(target_os = "none")]
mod fault;
#[cfg(target_os = "none")]
mod input;
#[cfg(target_os = "none")]
mod interrupt;
#[cfg(target_os = "none")]
mod life;
#[cfg(target_os = "none")]
mod machine;
#[cfg(target_os = "none")]
mod pages;
#[cfg(target_os = "none")]
mod program;
#[cfg(target_os = "none")]
mod ramdisk;
#[cfg(target_os = "none")]
mod running;
#[cfg(target_os = "none")]
mod system_call;
#[cfg(target_os = "none")]
mod user_memory;

#[cfg(target_os = "none")]
pub use {
    errors::{InstallError, SpawnError},
    life::{install, list, spawn, wait},
    program::cached_pages,
    ramdisk::files as ramdisk_files,
    running::Process,
};
#[cfg(target_os = "none")]
pub(crate) use {
    interrupt::{end_if_interrupted, is_due as is_interrupt_due},
    running::change,
    system_call::handle_call,
};
