//! Non-maskable interrupts on bare hardware: by the local APIC's command register, and by a clock.

use x86_64::{PhysAddr, VirtAddr};

use super::port;
use crate::native::apic;

/// What the command register takes to send one to the CPU that has sent one before, to itself.
pub const COMMAND: u32 = apic::NMI;

/// Where I/O APICs are that nobody has moved.
pub const IO_APIC: PhysAddr = PhysAddr::new(0xfec0_0000);

/// Sends one to this CPU.
pub fn send_to_self() {
    apic::send_nmi();
}

/// Returns the page of the local APIC's registers, and where in it the command register is.
pub fn command_register() -> (PhysAddr, usize) {
    (apic::physical(), apic::COMMAND)
}

/// The lines of the I/O APIC at which the PIT's clock may arrive.
const LINES: [u32; 2] = [0, 2];
/// Of a redirection entry: delivered as a non-maskable interrupt, at an edge, to CPU 0; and nothing.
const AS_NMI: u32 = 4 << 8;
const MASKED: u32 = 1 << 16;

/// Writes a register of the I/O APIC that is mapped at `at`.
fn write(at: VirtAddr, register: u32, value: u32) {
    let select = at.as_mut_ptr::<u32>();
    for (place, value) in [(select, register), (select.wrapping_add(4), value)] {
        // SAFETY: see the module `probe`; scenarios give the page of the device.
        unsafe { place.write_volatile(value) };
    }
}

/// Has one come every `period` of 838 ns, by the I/O APIC that is mapped at `at`.
pub fn start_clock(at: VirtAddr, period: u16) {
    for line in LINES {
        write(at, 0x11 + 2 * line, 0);
        write(at, 0x10 + 2 * line, AS_NMI);
    }
    let [low, high] = period.to_le_bytes();
    // Channel 0, both bytes, rate generator.
    for (register, value) in [(0x43, 0x34), (0x40, low), (0x40, high)] {
        port::write::<u8>(register, value);
    }
}

/// Has no more come.
pub fn stop_clock(at: VirtAddr) {
    for line in LINES {
        write(at, 0x10 + 2 * line, MASKED);
    }
}
