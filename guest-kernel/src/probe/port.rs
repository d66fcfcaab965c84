//! I/O ports, one value or a string at a time.

use core::arch::asm;

use x86_64::{
    VirtAddr,
    instructions::port::Port,
    structures::port::{PortRead, PortWrite},
};

/// Reads one value from a port.
pub fn read<T: PortRead>(port: u16) -> T {
    // SAFETY: see the module `probe`; a guest's ports reach no device.
    unsafe { Port::new(port).read() }
}

/// Writes one value to a port.
pub fn write<T: PortWrite>(port: u16, value: T) {
    // SAFETY: as for `read`.
    unsafe { Port::new(port).write(value) }
}

macro_rules! string_instruction {
    ($(#[$doc:meta])* $name:ident, $instruction:literal, $pointer:tt) => {
        $(#[$doc])*
        pub fn $name(port: u16, address: VirtAddr, count: u64) {
            // SAFETY: see the module `probe`; scenarios give memory of a `Window`.
            unsafe {
                asm!(
                    concat!("rep ", $instruction),
                    in("dx") port,
                    inout($pointer) address.as_u64() => _,
                    inout("rcx") count => _,
                );
            }
        }
    };
}

string_instruction! {
    /// Reads `count` bytes from a port to memory (`rep insb`).
    read_string_u8, "insb", "rdi"
}
string_instruction! {
    /// Reads `count` words of 2 bytes from a port to memory (`rep insw`).
    read_string_u16, "insw", "rdi"
}
string_instruction! {
    /// Reads `count` words of 4 bytes from a port to memory (`rep insd`).
    read_string_u32, "insd", "rdi"
}
string_instruction! {
    /// Writes `count` bytes from memory to a port (`rep outsb`).
    write_string_u8, "outsb", "rsi"
}
string_instruction! {
    /// Writes `count` words of 2 bytes from memory to a port (`rep outsw`).
    write_string_u16, "outsw", "rsi"
}
string_instruction! {
    /// Writes `count` words of 4 bytes from memory to a port (`rep outsd`).
    write_string_u32, "outsd", "rsi"
}
