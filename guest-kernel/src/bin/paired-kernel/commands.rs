//! The commands of the prompt.

use xenolith_guest::{StartInfo, hypercall::sched::ShutdownReason, platform, println};

use crate::{
    clock,
    greeting::{memory, version},
    hypercalls::{show_all, show_exits},
    ports, programs, threads, tick,
};

/// One command.
struct Command {
    name: &'static str,
    help: &'static str,
    /// What does it, given the rest of the line.
    run: fn(&StartInfo, &str),
}

const COMMANDS: &[Command] = &[
    Command { name: "help", help: "list the commands", run: help },
    Command { name: "mem", help: "memory of this domain", run: |start, _| memory(start) },
    Command { name: "version", help: "what the hypervisor is", run: |start, _| version(start) },
    Command {
        name: "clock",
        help: "a line that keeps the time: clock [SECONDS]",
        run: clock::line,
    },
    Command { name: "sleep", help: "halt for a while: sleep [MILLISECONDS]", run: clock::sleep },
    Command { name: "tick", help: "an alarm again and again: tick [MILLISECONDS]", run: tick::set },
    Command { name: "tasks", help: "tasks, and what each has used", run: threads::show },
    Command {
        name: "spin",
        help: "a task that keeps busy: spin [MILLISECONDS]",
        run: threads::spin,
    },
    Command { name: "shell", help: "the shell: shell [SCRIPT]", run: programs::shell },
    Command { name: "run", help: "a program: run NAME [ARGUMENTS]", run: programs::run },
    Command { name: "processes", help: "processes and programs", run: programs::show },
    Command { name: "timers", help: "alarms that are set", run: clock::timers },
    Command { name: "events", help: "ports, and events of each", run: ports::show },
    Command { name: "exits", help: "VM exits of this domain by reason", run: show_exits },
    Command { name: "hypercalls", help: "make each once, with its answer and cost", run: show_all },
    Command { name: "crash", help: "panic", run: crash },
    Command { name: "reboot", help: "end the domain, asking for a restart", run: reboot },
    Command { name: "poweroff", help: "end the domain", run: poweroff },
];

/// Executes a command line: a name and its argument behind a blank, or behind a colon where a blank
/// cannot be.
pub(crate) fn execute(line: &str, start: &StartInfo) {
    if line.is_empty() {
        return;
    }
    let (name, argument) = line.split_once([' ', ':']).unwrap_or((line, ""));
    match COMMANDS.iter().find(|command| command.name == name) {
        Some(command) => (command.run)(start, argument.trim()),
        None => println!("{line}: no such command; try help"),
    }
}

fn help(_: &StartInfo, _: &str) {
    for Command { name, help, .. } in COMMANDS {
        println!("  {name:<12}{help}");
    }
}

fn crash(_: &StartInfo, _: &str) {
    panic!("as you wish");
}

fn reboot(_: &StartInfo, _: &str) {
    platform::shutdown(ShutdownReason::REBOOT)
}

fn poweroff(_: &StartInfo, _: &str) {
    platform::shutdown(ShutdownReason::POWEROFF)
}
