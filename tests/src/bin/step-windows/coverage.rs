//! Which instructions of the resident's windows an event has met while it was deliverable.

use alloc::{vec, vec::Vec};

use iced_x86::Decoder;
use scenarios::resident;
use xenolith_core::resident::{Header, Restart};
use xenolith_guest::{check, hypercall::xenolith::EventArrival, println, scenario::Checks};

/// The resident, as it lies in memory, and what was met of it.
struct Resident {
    header: Header,
    text: Vec<u8>,
    met: Vec<bool>,
}

/// What was met so far.
pub(crate) struct Coverage {
    /// Known since the first event, which tells where it is.
    resident: Option<Resident>,
}

impl Coverage {
    /// Nothing was met.
    pub(crate) fn new() -> Self {
        Self { resident: None }
    }

    /// Counts an event.
    pub(crate) fn meet(&mut self, arrival: &EventArrival) {
        let resident = self.resident.get_or_insert_with(|| Resident::at(arrival.resident));
        let offset = arrival.rip.wrapping_sub(arrival.resident);
        if arrival.mask == 0 && resident.header.restart_at(offset).is_some() {
            resident.met[index(offset)] = true;
        }
    }

    /// Checks that nothing was left out.
    pub(crate) fn check(self, checks: &mut Checks) {
        let Some(Resident { header, text, met }) = self.resident else {
            return checks.fail(format_args!("no event came"));
        };
        check!(checks, !header.restarts.is_empty(), "there are windows");
        let mut instructions = 0;
        for restart in &header.restarts {
            for offset in instructions_of(restart, &text) {
                instructions += 1;
                check!(checks, met[index(offset)], "no event met offset {offset:#x}");
            }
        }
        println!("{instructions} instructions in {} windows", header.restarts.len());
    }
}

impl Resident {
    fn at(start: u64) -> Self {
        let (header, text) = resident::read(start);
        Self { met: vec![false; text.len()], header, text }
    }
}

/// Returns the offset of each instruction of a window.
fn instructions_of(restart: &Restart, text: &[u8]) -> Vec<u64> {
    let (start, end) = (u64::from(restart.start), u64::from(restart.end));
    let mut decoder = Decoder::with_ip(64, &text[index(start)..index(end)], start, 0);
    let mut offsets = Vec::new();
    while decoder.can_decode() {
        offsets.push(decoder.decode().ip());
    }
    offsets
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}
