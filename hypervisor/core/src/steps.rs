//! An event that comes after a number of ticks: so is tested that one may come at any instruction.

use crate::event_channel::Port;

/// The event that one vCPU waits for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Steps {
    due: Option<Port>,
    arrival: Option<Arrival>,
}

/// Where an event came.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Arrival {
    /// Address of the instruction that would have been next.
    pub rip: u64,
    /// The byte `evtchn_upcall_mask`.
    pub mask: u8,
}

impl Steps {
    /// Waits for nothing.
    pub const fn new() -> Self {
        Self { due: None, arrival: None }
    }

    /// Waits for the ticks to run out.
    pub const fn begin(&mut self, port: Port) {
        *self = Self { due: Some(port), arrival: None };
    }

    /// Takes note that the ticks have run out, at a time that is as `now` tells. Returns the port at
    /// which the event has to be raised now, if one is due.
    pub fn expire(&mut self, now: impl FnOnce() -> Arrival) -> Option<Port> {
        let port = self.due.take()?;
        self.arrival = Some(now());
        Some(port)
    }

    /// Waits no more. Returns where the event came, once, or `None` if it did not.
    pub fn end(&mut self) -> Option<Arrival> {
        core::mem::take(self).arrival
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(rip: u64) -> Arrival {
        Arrival { rip, mask: 1 }
    }

    #[test]
    fn an_event_comes_once_and_is_told_once() {
        let mut steps = Steps::new();
        steps.begin(Port(7));
        assert_eq!(steps.expire(|| at(5)), Some(Port(7)));
        assert_eq!(steps.expire(|| at(6)), None);
        assert_eq!(steps.end(), Some(at(5)));
        assert_eq!(steps.end(), None);
    }

    #[test]
    fn nothing_comes_after_the_end() {
        let mut steps = Steps::new();
        assert_eq!(steps.expire(|| at(1)), None);
        steps.begin(Port(7));
        assert_eq!(steps.end(), None);
        assert_eq!(steps.expire(|| at(2)), None);
    }

    #[test]
    fn the_last_beginning_counts() {
        let mut steps = Steps::new();
        steps.begin(Port(7));
        assert_eq!(steps.expire(|| at(1)), Some(Port(7)));
        steps.begin(Port(8));
        assert_eq!(steps.expire(|| at(2)), Some(Port(8)));
        assert_eq!(steps.end(), Some(at(2)));
    }
}
