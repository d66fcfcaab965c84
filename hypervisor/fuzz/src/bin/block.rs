//! Fuzzes the ring of the block device; what is done and checked is in `xenolith_core::fuzzing`.
#![no_main]

use xenolith_core::fuzzing::BLOCK;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (BLOCK.run)(bytes));
