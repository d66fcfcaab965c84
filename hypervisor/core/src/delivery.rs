//! What is delivered to a vCPU that is about to go on, and how.

use crate::event_channel::is_deliverable;
use crate::resident::Restart;

/// Where a vCPU goes on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Place {
    /// In the guest's own code.
    Guest,
    /// In the resident; between its last question and the way out, with how to ask again.
    Resident(Option<Restart>),
}

/// What waits for a vCPU.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Waiting {
    /// The first word of its `vcpu_info`.
    pub vcpu_info: u64,
    /// Whether an NMI waits that may be delivered.
    pub nmi: bool,
}

impl Waiting {
    /// Returns whether nothing waits, whatever the place is.
    #[inline]
    pub const fn is_nothing(self) -> bool {
        !self.nmi && !is_deliverable(self.vcpu_info)
    }
}

/// What to do before the vCPU goes on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Delivery {
    /// Nothing: nothing waits, or the resident will ask.
    Nothing,
    /// Inject the NMI.
    Nmi,
    /// Inject the vector of events.
    Event,
    /// Send the vCPU back to the resident's question.
    AskAgain(Restart),
    /// Let one instruction pass first: a MOV to SS or POP SS holds everything back for it.
    AfterInstruction,
}

/// Decides what to do about `waiting` for a vCPU at `place`; `held_back` tells whether its last
/// instruction was one that holds interrupts back (SDM 3A, "Masking Exceptions and Interrupts When
/// Switching Stacks"). The resident has no such place that matters.
pub const fn next(waiting: Waiting, place: Place, held_back: bool) -> Delivery {
    let event = is_deliverable(waiting.vcpu_info);
    match place {
        Place::Guest if held_back && (waiting.nmi || event) => Delivery::AfterInstruction,
        Place::Guest if waiting.nmi => Delivery::Nmi,
        Place::Guest if event => Delivery::Event,
        Place::Resident(Some(restart)) if event => Delivery::AskAgain(restart),
        _ => Delivery::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELIVERABLE: u64 = 0x5500_0001;
    const QUIET: [u64; 4] = [0, 0x5500_0000, 0x0100, 0x8001];

    #[test]
    fn in_the_guest_an_nmi_comes_before_an_event() {
        let at = |vcpu_info, nmi| next(Waiting { vcpu_info, nmi }, Place::Guest, false);
        assert_eq!(at(DELIVERABLE, true), Delivery::Nmi);
        assert_eq!(at(DELIVERABLE, false), Delivery::Event);
        for quiet in QUIET {
            assert_eq!(at(quiet, true), Delivery::Nmi);
            assert_eq!(at(quiet, false), Delivery::Nothing, "{quiet:#x}");
        }
    }

    #[test]
    fn behind_mov_to_ss_both_wait() {
        let at = |vcpu_info, nmi| next(Waiting { vcpu_info, nmi }, Place::Guest, true);
        assert_eq!(at(DELIVERABLE, false), Delivery::AfterInstruction);
        assert_eq!(at(0, true), Delivery::AfterInstruction);
        for quiet in QUIET {
            assert_eq!(at(quiet, false), Delivery::Nothing, "{quiet:#x}");
        }
    }

    #[test]
    fn the_resident_is_asked_again_or_will_ask() {
        let restart = crate::resident::Header::example_restart();
        for held_back in [false, true] {
            let at = |vcpu_info, nmi, restart| {
                next(Waiting { vcpu_info, nmi }, Place::Resident(restart), held_back)
            };
            for nmi in [false, true] {
                assert_eq!(at(DELIVERABLE, nmi, Some(restart)), Delivery::AskAgain(restart));
                assert_eq!(at(DELIVERABLE, nmi, None), Delivery::Nothing);
                assert_eq!(at(0x0101, nmi, Some(restart)), Delivery::Nothing);
            }
        }
    }

    #[test]
    fn nothing_is_done_about_nothing() {
        let restart = crate::resident::Header::example_restart();
        for vcpu_info in QUIET.into_iter().chain([DELIVERABLE]) {
            for nmi in [false, true] {
                let waiting = Waiting { vcpu_info, nmi };
                let places = [Place::Guest, Place::Resident(Some(restart))];
                let done = places.map(|place| next(waiting, place, false) != Delivery::Nothing);
                assert_eq!(waiting.is_nothing(), done == [false, false], "{waiting:x?}");
            }
        }
    }
}
