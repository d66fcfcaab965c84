//! Typed bytes, and what becomes of them.

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
    assert_eq!(editor.push(0x7f), Key::Replace(1, String::new()));
}

#[test]
fn keys_without_a_meaning_leave_no_trace() {
    assert_eq!(lines(b"he\x1b[C\x1b[1;5Clp\x1bOH\x1b[3~\r"), ["help"]);
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

#[test]
fn a_word_and_a_line_are_taken_back() {
    assert_eq!(lines(b"sleep 1000\x17 20\r"), ["sleep  20"]);
    assert_eq!(lines(b"sleep 1000  \x17\x17\x17mem\r"), ["mem"]);
    assert_eq!(lines(b"crash now\x15help\r"), ["help"]);
    let mut editor = LineEditor::default();
    assert_eq!([0x15, 0x17].map(|byte| editor.push(byte)), [Key::Ignore, Key::Ignore]);
    for byte in *b"a bc " {
        editor.push(byte);
    }
    assert_eq!(editor.push(0x17), Key::Replace(3, String::new()));
    assert_eq!(editor.push(0x15), Key::Replace(2, String::new()));
}

#[test]
fn earlier_lines_come_back_and_can_be_changed() {
    assert_eq!(lines(b"mem\rhelp\r\x1b[A\x1b[A\r"), ["mem", "help", "mem"]);
    assert_eq!(lines(b"sleep 1\r\x1bOA0\r"), ["sleep 1", "sleep 10"]);
    let mut editor = LineEditor::default();
    for byte in *b"mem\rxy\x1b[" {
        editor.push(byte);
    }
    assert_eq!(editor.push(b'A'), Key::Replace(2, "mem".into()));
    for byte in *b"\x1b[" {
        editor.push(byte);
    }
    assert_eq!(editor.push(b'A'), Key::Ignore, "there is nothing earlier");
    for byte in *b"\x1b[" {
        editor.push(byte);
    }
    assert_eq!(editor.push(b'B'), Key::Replace(3, "xy".into()), "what was being typed");
    for byte in *b"\x1b[" {
        editor.push(byte);
    }
    assert_eq!(editor.push(b'B'), Key::Ignore);
}
