//! The paired kernel: shows what it was given, then does what is typed.
//!
//! With `run=COMMAND[,COMMAND...]` on its command line it executes these commands and powers off
//! instead of waiting for input; otherwise it powers off at the end of input (Ctrl-D).
#![no_std]
#![no_main]

extern crate alloc;

mod clock;
mod commands;
mod greeting;
mod hypercalls;
mod ports;
mod programs;
mod prompt;
mod setup;
mod threads;
mod tick;

use xenolith_guest::{
    StartInfo, command_line, hypercall::sched::ShutdownReason, platform, println,
};

xenolith_guest::entry!(main);

fn main(start: &'static StartInfo) -> ! {
    greeting::print(start);
    setup::run(start);
    clock::now(start);
    println!();
    let mut listed = command_line::values(start.command_line(), "run").peekable();
    if listed.peek().is_none() {
        prompt::run(start);
    }
    for command in listed {
        prompt::show(command);
        commands::execute(command, start);
    }
    platform::shutdown(ShutdownReason::POWEROFF)
}
