//! Scenarios: tiny guest kernels under `tests/src/bin/`, each with a description beside it.
//!
//! `spec` reads the description, `transcript` sorts what the run printed, `judge` compares the two.
//! None of them starts anything: `test` does.

pub(crate) mod catalogue;
pub(crate) mod disk;
pub(crate) mod elf_patch;
pub(crate) mod judge;
pub(crate) mod ramdisk;
pub(crate) mod spec;
pub(crate) mod transcript;
