//! Fuzzes the rings of the store, and requests; what is done and checked is in `xenolith_core::fuzzing`.
#![no_main]

use xenolith_core::fuzzing::STORE;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (STORE.run)(bytes));
