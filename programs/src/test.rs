//! Checks that programs make of the kernel: what failed is printed, and the status tells.

use core::fmt::Debug;

use crate::println;

/// The checks made so far.
#[derive(Debug, Default)]
pub struct Checks {
    made: u32,
    failed: u32,
}

impl Checks {
    #[expect(clippy::needless_pass_by_value, reason = "calls read better")]
    /// Checks that a value is the expected one.
    pub fn equal<T: Debug + PartialEq>(&mut self, what: &str, actual: T, expected: T) {
        self.made += 1;
        if actual != expected {
            self.failed += 1;
            println!("check failed: {what}: {actual:x?} instead of {expected:x?} (hexadecimal)");
        }
    }

    /// Prints how many checks were made; returns the status of the program: 0 if none failed.
    pub fn finish(self, name: &str) -> u8 {
        println!("{name}: {} checks, {} failed", self.made, self.failed);
        u8::from(self.failed != 0)
    }
}
