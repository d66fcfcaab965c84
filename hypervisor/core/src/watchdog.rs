//! A domain's watchdogs (`SCHEDOP_watchdog`).

use crate::timer::earliest;
use xenolith_abi::errno::{EINVAL, ENOSPC};

/// Watchdogs that a domain has.
const COUNT: usize = 2;
const NS_PER_SECOND: u64 = 1_000_000_000;

/// When each watchdog of a domain barks, in system time, if it is in use.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Watchdogs {
    deadlines_ns: [Option<u64>; COUNT],
}

impl Watchdogs {
    /// Makes watchdogs that sleep.
    pub const fn new() -> Self {
        Self { deadlines_ns: [None; COUNT] }
    }

    /// Starts, feeds or stops a watchdog, as the operation is defined: `id` 0 takes a free one,
    /// `timeout_s` 0 stops one that is in use. Returns the number of a new one, 0, or an error.
    pub fn set(&mut self, id: u32, timeout_s: u32, now_ns: u64) -> i64 {
        let deadline = now_ns.saturating_add(u64::from(timeout_s) * NS_PER_SECOND);
        if id == 0 {
            let mut numbered = (1..).zip(&mut self.deadlines_ns);
            return numbered.find(|(_, slot)| slot.is_none()).map_or(-ENOSPC, |(number, slot)| {
                *slot = Some(deadline);
                number
            });
        }
        let mut numbered = (1..).zip(&mut self.deadlines_ns);
        match numbered.find(|(number, slot)| *number == id && slot.is_some()) {
            Some((_, slot)) => {
                *slot = (timeout_s != 0).then_some(deadline);
                0
            }
            None => -EINVAL,
        }
    }

    /// Returns when the first one barks.
    pub fn next_deadline(&self) -> Option<u64> {
        self.deadlines_ns.iter().fold(None, |first, next| earliest(first, *next))
    }

    /// Returns whether one has barked: the domain ends.
    pub fn expired(&self, now_ns: u64) -> bool {
        self.next_deadline().is_some_and(|deadline| deadline <= now_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = NS_PER_SECOND;

    #[test]
    fn watchdogs_are_numbered_fed_and_stopped() {
        let mut dogs = Watchdogs::new();
        for (id, timeout, now, result, next) in [
            (1, 5, 0, -EINVAL, None),
            (3, 5, 0, -EINVAL, None),
            (0, 5, 0, 1, Some(5 * S)),
            (0, 3, 0, 2, Some(3 * S)),
            (0, 1, 0, -ENOSPC, Some(3 * S)),
            (2, 9, S, 0, Some(5 * S)),
            (1, 0, S, 0, Some(10 * S)),
            (1, 0, S, -EINVAL, Some(10 * S)),
            (0, 0, 2 * S, 1, Some(2 * S)),
            (u32::MAX, 0, 0, -EINVAL, Some(2 * S)),
        ] {
            assert_eq!(dogs.set(id, timeout, now), result, "{id} {timeout}");
            assert_eq!(dogs.next_deadline(), next, "{id} {timeout}");
        }
        assert!(!dogs.expired(2 * S - 1));
        assert!(dogs.expired(2 * S));
    }

    #[test]
    fn the_longest_timeout_fits() {
        let mut dogs = Watchdogs::new();
        assert_eq!(dogs.set(0, u32::MAX, u64::MAX - 1), 1);
        assert_eq!(dogs.next_deadline(), Some(u64::MAX));
        assert!(!Watchdogs::new().expired(u64::MAX));
    }
}
