//! Turns typed bytes into lines, with the editing that a terminal in raw mode leaves to us.

use alloc::string::String;

/// What a typed byte means for the screen.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Key {
    /// Show this character.
    Echo(char),
    /// Take the last character off the screen.
    Erase,
    /// Forget the line and start afresh.
    Cancel,
    /// The line is complete.
    Enter(String),
    /// Ctrl-D: there will be no more input after this unfinished line.
    End(String),
    /// Nothing to show.
    Ignore,
}

/// A line being typed.
#[derive(Clone, Debug, Default)]
pub struct LineEditor {
    line: String,
    state: State,
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
            (State::Return, b'\n') | (State::Escape | State::Sequence, b' '..=b'~') => Key::Ignore,
            _ => self.push_text(byte),
        }
    }

    fn push_text(&mut self, byte: u8) -> Key {
        match byte {
            b'\r' => {
                self.state = State::Return;
                Key::Enter(core::mem::take(&mut self.line))
            }
            b'\n' => Key::Enter(core::mem::take(&mut self.line)),
            // Backspace, and what most terminals send for it.
            0x08 | 0x7f => self.line.pop().map_or(Key::Ignore, |_| Key::Erase),
            // Ctrl-C and Ctrl-U.
            0x03 | 0x15 => {
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
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8]) -> Vec<String> {
        let mut editor = LineEditor::default();
        let keys = bytes.iter().map(|&byte| editor.push(byte));
        keys.filter_map(|key| if let Key::Enter(line) = key { Some(line) } else { None }).collect()
    }

    #[test]
    fn every_kind_of_line_end_ends_one_line() {
        assert_eq!(lines(b"a\rb\nc\r\nd\r\r\n"), ["a", "b", "c", "d", ""]);
    }

    #[test]
    fn backspace_takes_back_what_was_typed_and_no_more() {
        assert_eq!(lines(b"\x7f\x7fhelq\x08p\x7fp\r"), ["help"]);
        let mut editor = LineEditor::default();
        assert_eq!(editor.push(0x7f), Key::Ignore);
        assert_eq!(editor.push(b'x'), Key::Echo('x'));
        assert_eq!(editor.push(0x7f), Key::Erase);
    }

    #[test]
    fn cursor_keys_leave_no_trace() {
        assert_eq!(lines(b"he\x1b[A\x1b[1;5Clp\x1bOH\x1b[3~\r"), ["help"]);
    }

    #[test]
    fn cancel_forgets_the_line() {
        assert_eq!(lines(b"crash\x03help\r"), ["help"]);
    }

    #[test]
    fn the_end_of_input_hands_over_what_is_left() {
        let mut editor = LineEditor::default();
        assert_eq!(editor.push(b'x'), Key::Echo('x'));
        assert_eq!(editor.push(0x04), Key::End("x".into()));
        assert_eq!(editor.push(0x04), Key::End(String::new()));
    }

    #[test]
    fn a_line_has_a_longest_length() {
        let long = [b'a'; LONGEST + 10];
        assert_eq!(lines(&[&long[..], b"\r"].concat())[0].len(), LONGEST);
    }
}
