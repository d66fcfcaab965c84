//! A slow line told from a dead one.

/// TSC ticks in which a line has to take something: some seconds on today's processors.
const DEAD_TICKS: u64 = 1 << 34;

/// Watches what a line takes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct LineWatch {
    stuck_since: Option<u64>,
}

impl LineWatch {
    /// Makes one that has seen nothing.
    pub const fn new() -> Self {
        Self { stuck_since: None }
    }

    /// Notes at `tsc` that bytes wait for the line, or none do, and whether it has just taken some.
    /// Returns whether it is dead: what waits for it had better be dropped.
    pub fn look(&mut self, waits: bool, has_taken: bool, tsc: u64) -> bool {
        if !waits || has_taken {
            self.stuck_since = None;
            return false;
        }
        let since = *self.stuck_since.get_or_insert(tsc);
        tsc.saturating_sub(since) >= DEAD_TICKS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_takes_nothing_for_long_is_dead() {
        let mut watch = LineWatch::new();
        assert!(!watch.look(true, false, 5));
        assert!(!watch.look(true, false, 4 + DEAD_TICKS));
        assert!(watch.look(true, false, 5 + DEAD_TICKS));
        assert!(!watch.look(true, true, 6 + DEAD_TICKS), "it lives");
        assert!(!watch.look(true, false, 7 + DEAD_TICKS));
        assert!(!watch.look(false, false, 3 * DEAD_TICKS), "nothing waits");
        assert!(!watch.look(true, false, 9 * DEAD_TICKS));
        assert!(!watch.look(true, false, 1), "time does not go backwards");
    }
}
