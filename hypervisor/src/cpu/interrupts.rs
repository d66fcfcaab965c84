//! Interrupt controllers: nothing here takes interrupts yet, so they are silenced.

use x86_64::instructions::port::Port;

const PIC_MASKS: [u16; 2] = [0x21, 0xa1];

/// Masks both legacy interrupt controllers, which firmware leaves on.
pub(crate) fn silence() {
    for port in PIC_MASKS {
        // SAFETY: every PC has the ports; masked lines do nothing.
        unsafe { Port::<u8>::new(port).write(0xff) };
    }
}
