//! Interrupts of this CPU: its timer, and the serial port.
//!
//! They arrive as VM exits while a guest runs and by the IDT while the CPU idles. Either way all
//! that happens here is the acknowledgement; what is due is found by looking.

use super::apic;
use super::traps::stubs;
use crate::acpi::SerialInterrupt;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use x86_64::instructions::interrupts;
use x86_64::instructions::port::Port;

/// Vector of the local APIC's timer.
pub(crate) const TIMER: u8 = 0x40;
/// Vector of the serial port.
const SERIAL: u8 = 0x41;
/// Vector of interrupts that went away; it is not acknowledged.
pub(super) const SPURIOUS: u8 = 0xff;
const PIC_MASKS: [u16; 2] = [0x21, 0xa1];

static TELL_OF_INPUT: AtomicBool = AtomicBool::new(false);

/// The entries of the IDT.
pub(super) const STUBS: [(u8, unsafe extern "C" fn()); 3] =
    [(TIMER, stubs::timer), (SERIAL, stubs::serial), (SPURIOUS, stubs::spurious)];

/// Masks the legacy controllers, which firmware leaves on, and starts the APICs.
pub(crate) fn init(serial: Option<SerialInterrupt>) {
    for port in PIC_MASKS {
        // SAFETY: every PC has the ports; masked lines do nothing.
        unsafe { Port::<u8>::new(port).write(0xff) };
    }
    apic::init();
    if let Some(serial) = serial {
        apic::route(serial.input, SERIAL);
        TELL_OF_INPUT.store(true, Relaxed);
    }
}

/// Returns whether input of the serial port causes an interrupt.
pub(crate) fn tell_of_input() -> bool {
    TELL_OF_INPUT.load(Relaxed)
}

/// Acknowledges the interrupt that arrived as `vector`.
pub(crate) fn acknowledge(vector: u8) {
    if vector != SPURIOUS {
        apic::end_of_interrupt();
    }
}

/// Returns whether an interrupt waits to be taken.
pub(crate) fn is_pending() -> bool {
    apic::is_requested(TIMER, SERIAL)
}

/// Waits for an interrupt.
pub(crate) fn idle() {
    interrupts::enable_and_hlt();
    interrupts::disable();
}
