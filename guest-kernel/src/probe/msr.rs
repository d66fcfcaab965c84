//! Model-specific registers by number.

use x86_64::registers::model_specific::Msr;

/// Reads register `number`.
pub fn read(number: u32) -> u64 {
    // SAFETY: see the module `probe`; a read can at worst fault.
    unsafe { Msr::new(number).read() }
}

/// Writes register `number`.
pub fn write(number: u32, value: u64) {
    // SAFETY: see the module `probe`; Rust code here relies on no register that scenarios write.
    unsafe { Msr::new(number).write(value) }
}
