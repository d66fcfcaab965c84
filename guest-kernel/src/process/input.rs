//! The console as processes read it: line by line, each to one reader.

use alloc::vec::Vec;

use crate::{
    console::{LineEditor, Typed, read_line},
    tasks::WaitQueue,
};

/// What was typed and not read.
struct Input {
    editor: Option<LineEditor>,
    left: Vec<u8>,
}

/// Held by the process that reads, also while it waits.
static INPUT: spin::Mutex<Input> = spin::Mutex::new(Input { editor: None, left: Vec::new() });

/// Processes that wait for the one that reads.
static OTHERS: WaitQueue = WaitQueue::new();

/// Waits for a line unless one is left; gives `take` what there is, which returns how much of it was
/// taken. At the end of the input there is nothing.
pub(super) fn read<T>(take: impl FnOnce(&[u8]) -> (usize, T)) -> T {
    let mut input = OTHERS.wait_for(|| INPUT.try_lock());
    if input.left.is_empty() {
        input.left = line(input.editor.get_or_insert_default());
    }
    let (taken, result) = take(&input.left);
    let taken = taken.min(input.left.len());
    input.left.drain(..taken);
    drop(input);
    OTHERS.wake_one();
    result
}

fn line(editor: &mut LineEditor) -> Vec<u8> {
    match read_line(editor) {
        Typed::Line(line) => {
            let mut line = line.into_bytes();
            line.push(b'\n');
            line
        }
        Typed::End(line) => line.into_bytes(),
        Typed::Cancelled => b"\n".to_vec(),
    }
}
