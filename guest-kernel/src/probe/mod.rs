//! What a kernel can do to the machine if it has no manners: for scenarios only.
//!
//! Scenario kernels are written without `unsafe`, and they exist to do what no kernel should:
//! hand bad addresses to the hypervisor, unmap pages, execute what must not be executed. So the
//! functions here are safe to call although some of them can crash the kernel or damage its
//! memory. That is acceptable in this module and nowhere else because (1) it exists only under
//! feature `probe`, (2) the worst outcome is the end of a domain whose purpose is to be tested,
//! and that the hypervisor survives it is the very thing under test, and (3) where it costs
//! nothing, functions keep to memory that Rust knows nothing about (see [`Window`]).

#[cfg(target_os = "none")]
pub mod arrival;
pub mod attack;
#[cfg(target_os = "none")]
pub mod block;
pub mod callbacks;
pub mod control;
pub mod crash;
pub mod debug;
pub mod descriptors;
#[cfg(target_os = "none")]
pub mod exception;
pub mod extended_state;
pub mod flags;
pub mod hypercall;
pub mod instruction;
#[cfg(target_os = "none")]
pub mod interrupts;
#[cfg(target_os = "none")]
pub mod iret;
pub mod memory;
pub mod mmu;
pub mod msr;
#[cfg(target_os = "none")]
pub mod nmi;
#[cfg(target_os = "none")]
pub mod noinstr;
pub mod port;
#[cfg(target_os = "none")]
#[expect(clippy::inline_always, reason = "what is measured has no call around it")]
pub mod pvops;
pub mod raise;
pub mod rcu;
pub mod registers;
pub mod relocation;
#[cfg(target_os = "none")]
pub mod round_trip;
pub mod tables;
pub mod user;
pub mod vector;
mod window;

pub use crate::cpuid;
pub use window::Window;
