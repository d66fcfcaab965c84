//! An event that comes after a number of instructions.
//!
//! So is tested that an event may come at any instruction: whoever counts exits after each one.

use crate::event_channel::Port;

/// The count of one vCPU.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Steps {
    due: Option<Due>,
    arrival: Option<u64>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Due {
    port: Port,
    left: u64,
}

impl Steps {
    /// Counts nothing.
    pub const fn new() -> Self {
        Self { due: None, arrival: None }
    }

    /// Begins to count: the event is due after `instructions`, at least one.
    pub const fn begin(&mut self, port: Port, instructions: u64) {
        *self = Self { due: Some(Due { port, left: instructions }), arrival: None };
    }

    /// Counts an instruction, the next one being at `rip`. Returns the port at which the event has
    /// to be raised now; there is nothing more to count then.
    pub fn step(&mut self, rip: u64) -> Option<Port> {
        let due = self.due.as_mut()?;
        due.left = due.left.saturating_sub(1);
        if due.left != 0 {
            return None;
        }
        let port = due.port;
        *self = Self { due: None, arrival: Some(rip) };
        Some(port)
    }

    /// Ends counting. Returns the address at which the event came, once, or `None` if it did not.
    pub fn end(&mut self) -> Option<u64> {
        core::mem::take(self).arrival
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_comes_once_after_so_many_instructions() {
        for instructions in 1..20 {
            let mut steps = Steps::new();
            steps.begin(Port(7), instructions);
            let due: Vec<u64> = (1..40).filter(|&i| steps.step(0x1000 + i).is_some()).collect();
            assert_eq!(due, [instructions]);
            assert_eq!(steps.end(), Some(0x1000 + instructions));
            assert_eq!(steps.end(), None, "it is told once");
        }
    }

    #[test]
    fn nothing_comes_after_the_end() {
        let mut steps = Steps::new();
        assert_eq!(steps.step(1), None);
        steps.begin(Port(7), 2);
        assert_eq!(steps.step(1), None);
        assert_eq!(steps.end(), None);
        assert_eq!(steps.step(2), None);
    }

    #[test]
    fn the_last_count_counts() {
        let mut steps = Steps::new();
        steps.begin(Port(7), 1);
        assert_eq!(steps.step(1), Some(Port(7)));
        steps.begin(Port(8), 1);
        assert_eq!(steps.step(2), Some(Port(8)));
        assert_eq!(steps.end(), Some(2));
    }
}
