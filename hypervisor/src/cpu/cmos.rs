//! The clock that runs while the machine is off.

use x86_64::instructions::port::Port;
use xenolith_core::time::CmosDate;

/// Returns the date.
pub(crate) fn date() -> CmosDate {
    CmosDate::read(read)
}

fn read(register: u8) -> u8 {
    // SAFETY: every PC has the port; the value selects a register and keeps NMIs on.
    unsafe { Port::new(0x70).write(register) };
    // SAFETY: reading a register of the clock changes nothing that matters.
    unsafe { Port::new(0x71).read() }
}
