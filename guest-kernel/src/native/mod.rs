//! Bare hardware: the same kernel without a hypervisor below it.
//!
//! Loaders of the PVH and multiboot2 protocols start it in 32-bit mode (`entry.S`). What a domain
//! builder would have done is done here then: memory is laid out as `docs/abi.md` says
//! (`build`), and the services that hypercalls give elsewhere are made of devices (`platform`).
//! The main function finds what it finds in a domain.

#[cfg(target_os = "none")]
mod acpi;
#[cfg(target_os = "none")]
pub(crate) mod apic;
#[cfg(target_os = "none")]
mod build;
#[cfg(target_os = "none")]
mod clock;
#[cfg(target_os = "none")]
pub(crate) mod cpu_area;
#[cfg(target_os = "none")]
mod gates;
#[cfg(target_os = "none")]
pub(crate) mod interrupts;
mod layout;
#[cfg(target_os = "none")]
mod loader;
#[cfg(target_os = "none")]
mod pic;
#[cfg(target_os = "none")]
mod platform;
#[cfg(target_os = "none")]
mod power;
#[cfg(target_os = "none")]
pub(crate) mod segments;
#[cfg(target_os = "none")]
mod serial;
mod sleep_type;
#[cfg(target_os = "none")]
mod start;

#[cfg(target_os = "none")]
use start::REACHABLE;
#[cfg(target_os = "none")]
pub use start::xenolith_guest_pvh_start_physical;
