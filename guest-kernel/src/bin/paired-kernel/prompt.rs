//! The prompt: reads lines from the console and has them executed.

use xenolith_guest::{
    StartInfo,
    console::{LineEditor, Typed, read_line},
    hypercall::sched::ShutdownReason,
    platform, print, println,
};

use crate::commands;

const PROMPT: &str = "xenolith guest> ";

/// Reads and executes commands until one of them, or the end of the input, ends the domain.
pub(crate) fn run(start: &StartInfo) -> ! {
    println!("Type help for a list of commands, Ctrl-D to power off.");
    let mut editor = LineEditor::default();
    loop {
        print!("{PROMPT}");
        match read_line(&mut editor) {
            Typed::Line(line) => commands::execute(line.trim(), start),
            Typed::Cancelled => {}
            Typed::End(line) => {
                commands::execute(line.trim(), start);
                platform::shutdown(ShutdownReason::POWEROFF);
            }
        }
    }
}

/// Shows a command as if it had been typed.
pub(crate) fn show(command: &str) {
    println!("{PROMPT}{command}");
}
