//! The commands of the prompt.

use xenolith_guest::{
    StartInfo,
    hypercall::sched::{ShutdownReason, shutdown},
    println,
};

use crate::{greeting, hypercalls::show_all};

/// One command.
struct Command {
    name: &'static str,
    help: &'static str,
    run: fn(&StartInfo),
}

const COMMANDS: &[Command] = &[
    Command { name: "help", help: "list the commands", run: help },
    Command { name: "mem", help: "memory of this domain", run: greeting::memory },
    Command { name: "version", help: "what the hypervisor is", run: greeting::version },
    Command { name: "hypercalls", help: "make each once, with its answer and cost", run: show_all },
    Command { name: "crash", help: "panic", run: crash },
    Command { name: "reboot", help: "end the domain, asking for a restart", run: reboot },
    Command { name: "poweroff", help: "end the domain", run: poweroff },
];

/// Executes a command line.
pub(crate) fn execute(line: &str, start: &StartInfo) {
    if line.is_empty() {
        return;
    }
    match COMMANDS.iter().find(|command| command.name == line) {
        Some(command) => (command.run)(start),
        None => println!("{line}: no such command; try help"),
    }
}

fn help(_: &StartInfo) {
    for Command { name, help, .. } in COMMANDS {
        println!("  {name:<12}{help}");
    }
}

fn crash(_: &StartInfo) {
    panic!("as you wish");
}

fn reboot(_: &StartInfo) {
    shutdown(ShutdownReason::REBOOT)
}

fn poweroff(_: &StartInfo) {
    shutdown(ShutdownReason::POWEROFF)
}
