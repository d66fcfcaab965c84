//! Any text as the command line.

use super::{MAX_MEMORY_BYTES, MIN_MEMORY_BYTES, Options};
use crate::address::PAGE_SIZE;
use std::string::ToString;
use std::vec::Vec;

/// Reads `bytes` as a command line, if they are text.
pub(crate) fn run(bytes: &[u8]) {
    let Ok(line) = core::str::from_utf8(bytes) else { return };
    match Options::parse(line) {
        Ok(options) => {
            assert!((MIN_MEMORY_BYTES..=MAX_MEMORY_BYTES).contains(&options.memory_bytes));
            assert!(options.memory_bytes.is_multiple_of(PAGE_SIZE));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Lines that are right, and some that are wrong.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    ["log=debug memory=64M step=on", "memory=1g log=off\tstep=off", "memory=1025k", "log= x=", "M"]
        .map(|line| line.as_bytes().to_vec())
        .into()
}
