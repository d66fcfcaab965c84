//! Targets for fuzzing: each takes any bytes and makes of them what guests and users say.
//!
//! Nothing that they say may panic, run without end or break what the hypervisor relies on; each
//! target checks that by assertions. The package `xenolith-fuzz` runs them under libFuzzer, and the
//! tests below with what they start from.

mod bytes;
#[cfg(test)]
mod tests;

pub(crate) use self::bytes::Bytes;

use crate::{block, console, domain_builder, emulate, hypercall, options, store};
use std::vec::Vec;

/// One target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, which is also the program's.
    pub name: &'static str,
    /// Makes something of any bytes.
    pub run: fn(&[u8]),
    /// What to start from: inputs that get further than random bytes do.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// Sequences of hypercalls, which are preempted anywhere.
pub const HYPERCALLS: Target =
    Target { name: "hypercalls", run: hypercall::fuzz::run, seeds: hypercall::fuzz::seeds };
/// The ring of the console.
pub const CONSOLE: Target =
    Target { name: "console", run: console::fuzz::run, seeds: console::fuzz::seeds };
/// The rings of the store, and requests.
pub const STORE: Target =
    Target { name: "store", run: store::fuzz::run, seeds: store::fuzz::seeds };
/// The ring of the block device, its grants, and what its front end says in the store.
pub const BLOCK: Target =
    Target { name: "block", run: block::fuzz::run, seeds: block::fuzz::seeds };
/// A guest's kernel: ELF, notes, and the domain that is built from it.
pub const KERNEL: Target =
    Target { name: "kernel", run: domain_builder::fuzz::run, seeds: domain_builder::fuzz::seeds };
/// The header of a bzImage.
pub const BZIMAGE: Target = Target {
    name: "bzimage",
    run: domain_builder::bzimage::fuzz::run,
    seeds: domain_builder::bzimage::fuzz::seeds,
};
/// Instructions that leave the guest: registers and strings of I/O.
pub const INSTRUCTIONS: Target =
    Target { name: "instructions", run: emulate::fuzz::run, seeds: emulate::fuzz::seeds };
/// The hypervisor's command line.
pub const OPTIONS: Target =
    Target { name: "options", run: options::fuzz::run, seeds: options::fuzz::seeds };

/// All of them.
pub const TARGETS: [Target; 8] =
    [HYPERCALLS, CONSOLE, STORE, BLOCK, KERNEL, BZIMAGE, INSTRUCTIONS, OPTIONS];
