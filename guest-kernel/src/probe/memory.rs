//! Loads, stores and jumps to any address.

use core::arch::asm;

use x86_64::VirtAddr;

/// Loads 8 bytes from `address`, mapped or not.
pub fn read_u64(address: VirtAddr) -> u64 {
    let value;
    // SAFETY: see the module `probe`; a load can at worst fault.
    unsafe {
        asm!("mov {value}, [{address}]", value = out(reg) value,
            address = in(reg) address.as_u64(), options(nostack, readonly, preserves_flags));
    }
    value
}

/// Loads `N` bytes from `address`, one by one.
pub fn read_bytes<const N: usize>(address: VirtAddr) -> [u8; N] {
    let word = |at: u64| read_u64(VirtAddr::new(at & !7)).to_le_bytes()[(at & 7) as usize];
    core::array::from_fn(|index| word(address.as_u64() + index as u64))
}

/// Stores 8 bytes to `address`, mapped or not.
pub fn write_u64(address: VirtAddr, value: u64) {
    // SAFETY: see the module `probe`; scenarios store where Rust keeps nothing, or want the fault.
    unsafe {
        asm!("mov [{address}], {value}", value = in(reg) value,
            address = in(reg) address.as_u64(), options(nostack, preserves_flags));
    }
}

/// Calls `address` as a function without arguments, whatever is there.
pub fn call(address: VirtAddr) {
    // SAFETY: see the module `probe`; scenarios call a `ret` of their own, or want the fault.
    unsafe {
        asm!("call {address}", address = in(reg) address.as_u64(), clobber_abi("C"));
    }
}
