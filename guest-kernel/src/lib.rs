//! What a guest kernel on Xenolith needs: entry, console, hypercalls, heap, page tables.
//!
//! A kernel is a `no_std`, `no_main` binary that names its main function:
//!
//! ```ignore
//! xenolith_guest::entry!(main);
//!
//! fn main(start: &'static StartInfo) -> ! {
//!     println!("{} pages of memory", start.pages());
//!     platform::shutdown(ShutdownReason::POWEROFF)
//! }
//! ```
//!
//! On the host (`cargo test`) only the parts that need no hypervisor are built.
#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(not(target_os = "none"), expect(dead_code, reason = "what only entry uses"))]

extern crate alloc;

mod atomic_fn;
#[cfg(target_os = "none")]
mod backtrace;
pub mod clock;
pub mod command_line;
pub mod console;
#[expect(clippy::inline_always, reason = "entry code calls nothing outside its section")]
pub mod context;
pub mod cpuid;
#[cfg(target_os = "none")]
#[expect(clippy::inline_always, reason = "entry code calls nothing outside its section")]
pub mod entry;
pub mod events;
#[cfg(target_os = "none")]
mod heap;
pub mod hypercall;
#[expect(clippy::inline_always, reason = "a point belongs to the code around it")]
mod instrumentation;
pub mod irq;
pub mod memory;
#[cfg(test)]
#[cfg(not(miri))]
mod model;
#[cfg(any(test, target_os = "none"))]
pub mod native;
pub mod note;
pub mod paging;
#[cfg(target_os = "none")]
mod panic;
#[cfg(target_os = "none")]
pub mod platform;
#[cfg(feature = "probe")]
pub mod probe;
pub mod process;
#[cfg_attr(
    target_os = "none",
    expect(clippy::inline_always, reason = "entry code calls nothing outside its section")
)]
pub mod protection_keys;
#[expect(clippy::inline_always, reason = "entry code calls nothing outside its section")]
pub mod pt_regs;
#[cfg_attr(target_os = "none", expect(clippy::inline_always, reason = "an operation is its site"))]
pub mod pvops;
pub mod rcu;
#[cfg(all(feature = "scenario", target_os = "none"))]
pub mod scenario;
pub mod shared_info;
pub mod start_info;
pub mod static_pages;
#[cfg(target_os = "none")]
pub mod store;
pub mod tasks;
pub mod time;
#[cfg(target_os = "none")]
pub mod traps;
#[cfg(target_os = "none")]
pub mod user;
pub mod vcpu;

pub use start_info::StartInfo;
pub use x86_64;
pub use xenolith_abi as abi;
