//! The Xen PV x86-64 ABI as Xenolith speaks it: numbers, structures and layouts, no logic.
//!
//! Binary-identical to the public headers of Xen 4.17 at interface version 0x00040e00, except for
//! [`xenolith`], which holds our own extensions. A module is a concept, an item is Xen's name
//! without its prefix, and the C name is the item's `doc(alias)`, so a search finds both.
//!
//! `cargo xtask abi` reads this source and compares every constant, size, offset and padding byte
//! with the real headers; hence the rules: no macros and no conditional compilation; an item's C
//! name is its alias, or its own name if it has none; fields named `padding` are padding in C too;
//! what has no Xen header stands in that command's list.
//!
//! Addresses in structures are guest virtual addresses, frame numbers are guest-physical, text is
//! NUL-terminated bytes.
#![no_std]
#![forbid(unsafe_code)]

pub mod block;
pub mod callback;
pub mod console;
pub mod cpuid;
pub mod domain;
pub mod elfnote;
pub mod errno;
pub mod event_channel;
pub mod features;
pub mod grant;
pub mod guest_context;
pub mod guest_layout;
pub mod hvm_start_info;
pub mod hypercall;
pub mod memory;
pub mod mmu;
pub mod multicall;
pub mod nmi;
pub mod physdev;
pub mod sched;
pub mod segment;
pub mod shared_info;
pub mod start_info;
pub mod time;
pub mod trap;
pub mod vcpu;
pub mod version;
pub mod vm_assist;
pub mod xenbus;
pub mod xenolith;
pub mod xenstore;
