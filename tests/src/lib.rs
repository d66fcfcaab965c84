//! What several scenarios share: tables of hypercalls, good and bad buffers, the boot contract.
//!
//! A scenario is a tiny kernel under `src/bin/`, with its metadata beside it in `scenario.toml`.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod boot_contract;
pub mod buffers;
pub mod calls;
pub mod events;
pub mod exits;
pub mod long_calls;
pub mod processes;
pub mod programs;
pub mod ramdisk;
pub mod random;
pub mod resident;
pub mod tasks;
pub mod typing;
