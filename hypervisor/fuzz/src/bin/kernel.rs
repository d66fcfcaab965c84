//! Fuzzes a guest's kernel; what is done and checked is in `xenolith_core::fuzzing`.
#![no_main]

use xenolith_core::fuzzing::KERNEL;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (KERNEL.run)(bytes));
