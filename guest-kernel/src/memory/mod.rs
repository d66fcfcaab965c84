//! Memory that the kernel was given and does not use itself: frames for page tables and processes.
//!
//! [`install`] maps all guest-physical memory, so that any frame can be reached, and takes over what
//! lies behind the boot stack. [`frame_table`] keeps the accounts and runs on the host.

mod frame_table;
#[cfg(target_os = "none")]
mod frames;
#[cfg(target_os = "none")]
mod physical_map;

pub use frame_table::FrameTable;
#[cfg(target_os = "none")]
pub use frames::{allocate, allocate_zeroed, free_frames, install, release, share, sharers};
#[cfg(target_os = "none")]
pub use physical_map::{BASE as PHYSICAL_MAP, pointer};
