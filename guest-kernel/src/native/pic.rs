//! The legacy interrupt controllers: a pair of 8259s, of which the serial port's line is used.
//!
//! They are there on every PC with a serial port, and need no tables to be found.

use x86_64::instructions::port::Port;

use super::interrupts::{FIRST_PIC, SERIAL};

/// Command and data port of each.
const PORTS: [(u16, u16); 2] = [(0x20, 0x21), (0xa0, 0xa1)];

/// Initialisation, with a fourth word to come; lines count by edges.
const INITIALISE: u8 = 0x11;
/// The second one is at line 2: as a mask for the first, as a number for the second.
const CASCADE: [u8; 2] = [1 << 2, 2];
/// The processor is an 8086 or later.
const MODE_8086: u8 = 1;
/// Specific end of interrupt, with the line in the low bits.
const END_OF_INTERRUPT: u8 = 0x60;

fn write(port: u16, value: u8) {
    // SAFETY: the ports are the controllers', which only this file uses.
    unsafe { Port::new(port).write(value) };
}

/// Moves their vectors away from exceptions, all lines masked.
pub(super) fn init() {
    for (((command, data), first), cascade) in
        PORTS.iter().zip([FIRST_PIC, FIRST_PIC + 8]).zip(CASCADE)
    {
        write(*command, INITIALISE);
        for word in [first, cascade, MODE_8086, 0xff] {
            write(*data, word);
        }
    }
}

/// Lets the serial port's line through.
pub(super) fn unmask_serial() {
    write(PORTS[0].1, !(1 << (SERIAL - FIRST_PIC)));
}

/// Acknowledges the serial port's interrupt.
pub(super) fn end_of_serial() {
    write(PORTS[0].0, END_OF_INTERRUPT | (SERIAL - FIRST_PIC));
}
