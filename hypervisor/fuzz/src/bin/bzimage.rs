//! Fuzzes the header of a bzImage; what is done and checked is in `xenolith_core::fuzzing`.
#![no_main]

use xenolith_core::fuzzing::BZIMAGE;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (BZIMAGE.run)(bytes));
