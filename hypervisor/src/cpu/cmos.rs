//! The clock that runs while the machine is off.

use x86_64::instructions::port::Port;
use xenolith_core::time::CmosDate;

/// Polls after which an update that never ends is ignored: some milliseconds.
const STUCK_POLLS: u32 = 10_000;

/// Returns the date, read outside an update and twice alike.
pub(crate) fn date() -> CmosDate {
    let mut last = read_date();
    for _ in 0..STUCK_POLLS {
        let next = read_date();
        if next == last {
            break;
        }
        last = next;
    }
    last
}

fn read_date() -> CmosDate {
    const STATUS_A: u8 = 0xa;
    const UPDATING: u8 = 0x80;
    let _ = (0..STUCK_POLLS).find(|_| read(STATUS_A) & UPDATING == 0);
    CmosDate {
        second: read(0),
        minute: read(2),
        hour: read(4),
        day: read(7),
        month: read(8),
        year: read(9),
        century: None,
        status_b: read(0xb),
    }
}

fn read(register: u8) -> u8 {
    // SAFETY: every PC has the port; the value selects a register and keeps NMIs on.
    unsafe { Port::new(0x70).write(register) };
    // SAFETY: reading a register of the clock changes nothing that matters.
    unsafe { Port::new(0x71).read() }
}
