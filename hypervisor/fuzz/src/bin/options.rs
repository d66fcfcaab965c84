//! Fuzzes the hypervisor's command line; what is done and checked is in `xenolith_core::fuzzing`.
#![no_main]

use xenolith_core::fuzzing::OPTIONS;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (OPTIONS.run)(bytes));
