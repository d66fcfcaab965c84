//! The prompt: reads lines from the console and has them executed.

use xenolith_guest::{
    StartInfo,
    console::{Key, LineEditor, wait_for_byte},
    hypercall::sched::ShutdownReason,
    platform, print, println,
};

use crate::commands;

const PROMPT: &str = "xenolith guest> ";

/// Reads and executes commands until one of them, or the end of the input, ends the domain.
pub(crate) fn run(start: &StartInfo) -> ! {
    println!("Type help for a list of commands, Ctrl-D to power off.");
    let mut editor = LineEditor::default();
    print!("{PROMPT}");
    loop {
        match editor.push(wait_for_byte()) {
            Key::Echo(character) => print!("{character}"),
            Key::Replace(erased, line) => {
                (0..erased).for_each(|_| print!("\x08 \x08"));
                print!("{line}");
            }
            Key::Cancel => print!("^C\n{PROMPT}"),
            Key::Enter(line) => {
                println!();
                commands::execute(line.trim(), start);
                print!("{PROMPT}");
            }
            Key::End(line) => {
                println!();
                commands::execute(line.trim(), start);
                platform::shutdown(ShutdownReason::POWEROFF);
            }
            Key::Ignore => {}
        }
    }
}

/// Shows a command as if it had been typed.
pub(crate) fn show(command: &str) {
    println!("{PROMPT}{command}");
}
