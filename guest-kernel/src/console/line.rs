//! Turns typed bytes into lines, with the editing that a terminal in raw mode leaves to us.
//!
//! Backspace, Ctrl-W and Ctrl-U take back a character, a word and the line; the cursor keys up and
//! down bring earlier lines; Ctrl-C gives a line up and Ctrl-D ends the input.

use alloc::string::String;

use super::history::History;

#[cfg(test)]
mod tests;

/// What a typed byte means for the screen.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Key {
    /// Show this character.
    Echo(char),
    /// Take so many characters off the end of the line, then show these.
    Replace(usize, String),
    /// Forget the line and start afresh.
    Cancel,
    /// The line is complete.
    Enter(String),
    /// Ctrl-D: there will be no more input after this unfinished line.
    End(String),
    /// Nothing to show.
    Ignore,
}

/// A line being typed, and those before.
#[derive(Clone, Debug, Default)]
pub struct LineEditor {
    line: String,
    state: State,
    history: History,
}

/// How far into a terminal's escape sequence the input is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum State {
    #[default]
    Text,
    /// Behind a carriage return: a line feed belongs to it.
    Return,
    /// Behind ESC.
    Escape,
    /// Behind ESC `[`: parameters up to a final letter.
    Sequence,
}

/// Longest line that is accepted.
const LONGEST: usize = 128;

impl LineEditor {
    /// Takes one typed byte.
    pub fn push(&mut self, byte: u8) -> Key {
        let before = core::mem::take(&mut self.state);
        match (before, byte) {
            (State::Escape, b'[' | b'O') | (State::Sequence, b' '..=b'?') => {
                self.state = State::Sequence;
                Key::Ignore
            }
            (State::Sequence, b'A') => self.older(),
            (State::Sequence, b'B') => self.newer(),
            (State::Return, b'\n') | (State::Escape | State::Sequence, b' '..=b'~') => Key::Ignore,
            _ => self.push_text(byte),
        }
    }

    fn push_text(&mut self, byte: u8) -> Key {
        match byte {
            b'\r' => {
                self.state = State::Return;
                self.enter()
            }
            b'\n' => self.enter(),
            // Backspace, and what most terminals send for it.
            0x08 | 0x7f => self.cut(self.line.len().saturating_sub(1)),
            // Ctrl-U.
            0x15 => self.cut(0),
            // Ctrl-W.
            0x17 => self.cut(start_of_last_word(&self.line)),
            // Ctrl-C.
            0x03 => {
                self.history.leave();
                self.line.clear();
                Key::Cancel
            }
            // Ctrl-D.
            0x04 => Key::End(core::mem::take(&mut self.line)),
            0x1b => {
                self.state = State::Escape;
                Key::Ignore
            }
            b' '..=b'~' if self.line.len() < LONGEST => {
                self.line.push(char::from(byte));
                Key::Echo(char::from(byte))
            }
            _ => Key::Ignore,
        }
    }

    fn enter(&mut self) -> Key {
        self.history.remember(&self.line);
        Key::Enter(core::mem::take(&mut self.line))
    }

    /// Takes back what is behind the first `length` characters. A line is ASCII.
    fn cut(&mut self, length: usize) -> Key {
        let cut = self.line.len() - length;
        self.line.truncate(length);
        if cut == 0 { Key::Ignore } else { Key::Replace(cut, String::new()) }
    }

    fn older(&mut self) -> Key {
        let line = self.history.older(&self.line);
        self.recall(line)
    }

    fn newer(&mut self) -> Key {
        let line = self.history.newer();
        self.recall(line)
    }

    fn recall(&mut self, line: Option<String>) -> Key {
        let Some(line) = line else { return Key::Ignore };
        let before = core::mem::replace(&mut self.line, line);
        Key::Replace(before.len(), self.line.clone())
    }
}

/// Returns where the last word of a line starts; blanks behind it belong to it.
fn start_of_last_word(line: &str) -> usize {
    line.trim_end_matches(' ').rfind(' ').map_or(0, |blank| blank + 1)
}
