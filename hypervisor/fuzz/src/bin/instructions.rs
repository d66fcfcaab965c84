//! Fuzzes instructions that leave the guest; what is done and checked is in `xenolith_core::fuzzing`.
#![no_main]

use xenolith_core::fuzzing::INSTRUCTIONS;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (INSTRUCTIONS.run)(bytes));
