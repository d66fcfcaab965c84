//! Fuzzes the ring of the console; what is done and checked is in `xenolith_core::fuzzing`.
#![no_main]

use xenolith_core::fuzzing::CONSOLE;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (CONSOLE.run)(bytes));
