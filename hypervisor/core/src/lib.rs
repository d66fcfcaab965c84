//! Every decision of the hypervisor, without hardware and without `unsafe`.
//!
//! Mechanism (the `xenolith` package) reads registers and memory, asks this crate what they mean,
//! and does what it answers. Everything here builds and is tested on the host.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

pub mod address;
pub mod domain_builder;
