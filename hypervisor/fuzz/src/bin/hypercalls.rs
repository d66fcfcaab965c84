//! Fuzzes sequences of hypercalls; what is done and checked is in `xenolith_core::fuzzing`.
#![no_main]

use xenolith_core::fuzzing::HYPERCALLS;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (HYPERCALLS.run)(bytes));
