//! Lines as they are typed, shown while they are.

use alloc::string::String;

use super::{Key, LineEditor, input::Reader, wait_for_byte};
use crate::{print, println};

/// What came of typing a line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Typed {
    /// It is complete.
    Line(String),
    /// The input has ended behind it.
    End(String),
    /// It was given up by Ctrl-C.
    Cancelled,
}

/// Waits until a line is typed.
pub fn read_line(editor: &mut LineEditor) -> Typed {
    let _reader = Reader::begin();
    loop {
        match editor.push(wait_for_byte()) {
            Key::Echo(character) => print!("{character}"),
            Key::Replace(erased, line) => {
                (0..erased).for_each(|_| print!("\x08 \x08"));
                print!("{line}");
            }
            Key::Cancel => {
                println!("^C");
                return Typed::Cancelled;
            }
            Key::Enter(line) => {
                println!();
                return Typed::Line(line);
            }
            Key::End(line) => {
                println!();
                return Typed::End(line);
            }
            Key::Ignore => {}
        }
    }
}
