//! Every decision of the hypervisor, without hardware and without `unsafe`.
//!
//! Mechanism (the `xenolith` package) reads registers and memory, asks this crate what they mean,
//! and does what it answers. Everything here builds and is tested on the host.
#![cfg_attr(not(any(test, feature = "fuzzing")), no_std)]
#![forbid(unsafe_code)]

pub mod address;
pub mod block;
pub mod bounce;
pub mod byte_ring;
pub mod console;
pub mod crash;
pub mod debug_console;
pub mod delivery;
pub mod domain;
pub mod domain_builder;
pub mod emulate;
pub mod ept;
pub mod event_channel;
pub mod frame_allocator;
pub mod frame_set;
pub mod frame_walk;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod grant_mappings;
pub mod grant_table;
pub mod guest_access;
pub mod guest_memory;
pub mod hole;
pub mod hypercall;
pub mod hypercall_page;
pub mod memory_map;
pub mod modules;
pub mod options;
pub mod page_map;
pub mod resident;
pub mod runstate;
pub mod shutdown;
pub mod steps;
pub mod store;
pub mod time;
pub mod timer;
pub mod trace;
pub mod vcpu;
pub mod vmx;
pub mod watchdog;
