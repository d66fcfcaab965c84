//! Lines that were typed before, to be had again.

use alloc::{collections::VecDeque, string::String};

/// Lines that are kept.
const KEPT: usize = 16;

/// The latest lines, and which of them is shown.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    /// The oldest first.
    lines: VecDeque<String>,
    /// How many lines before the one being typed; 0 is that one itself.
    back: usize,
    /// What was being typed when the first earlier line was asked for.
    draft: String,
}

impl History {
    /// Ends the looking back: the next line is a new one.
    pub(super) fn leave(&mut self) {
        self.back = 0;
    }

    /// Remembers a line that is complete. Blank lines and repetitions are not worth it.
    pub(super) fn remember(&mut self, line: &str) {
        self.leave();
        if line.trim().is_empty() || self.lines.back().is_some_and(|last| last == line) {
            return;
        }
        if self.lines.len() == KEPT {
            self.lines.pop_front();
        }
        self.lines.push_back(line.into());
    }

    /// Returns the line before the one shown, if there is one; `shown` is what is typed now.
    pub(super) fn older(&mut self, shown: &str) -> Option<String> {
        let line = self.before_latest(self.back + 1)?.clone();
        if self.back == 0 {
            self.draft = shown.into();
        }
        self.back += 1;
        Some(line)
    }

    /// Returns the line behind the one shown, at last the one that was being typed.
    pub(super) fn newer(&mut self) -> Option<String> {
        self.back = self.back.checked_sub(1)?;
        if self.back == 0 {
            return Some(core::mem::take(&mut self.draft));
        }
        self.before_latest(self.back).cloned()
    }

    fn before_latest(&self, back: usize) -> Option<&String> {
        self.lines.get(self.lines.len().checked_sub(back)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_lines_are_kept() {
        let mut history = History::default();
        for number in 0..KEPT + 3 {
            history.remember(&number.to_string());
        }
        let lines: Vec<_> = core::iter::from_fn(|| history.older("")).collect();
        assert_eq!(lines.len(), KEPT);
        assert_eq!((lines[0].as_str(), lines[KEPT - 1].as_str()), ("18", "3"));
    }

    #[test]
    fn blank_lines_and_repetitions_are_not_kept() {
        let mut history = History::default();
        for line in ["a", "a", "", "  ", "b", "a"] {
            history.remember(line);
        }
        let lines: Vec<_> = core::iter::from_fn(|| history.older("")).collect();
        assert_eq!(lines, ["a", "b", "a"]);
    }

    #[test]
    fn a_complete_line_ends_the_looking_back() {
        let mut history = History::default();
        for line in ["a", "b"] {
            history.remember(line);
        }
        assert_eq!(history.older("x").as_deref(), Some("b"));
        history.remember("c");
        assert_eq!(history.newer(), None);
        assert_eq!(history.older("").as_deref(), Some("c"));
    }
}
