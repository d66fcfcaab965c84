//! The commands of the prompt.

use xenolith_guest::{
    StartInfo,
    hypercall::{
        sched::{ShutdownReason, shutdown},
        xenolith,
    },
    println,
};

use crate::greeting;

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
    Command { name: "hypercalls", help: "VM exits of this domain so far", run: hypercalls },
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

fn hypercalls(_: &StartInfo) {
    let counts = match xenolith::exit_counts() {
        Ok(counts) => counts,
        Err(error) => return println!("this hypervisor does not count exits: {error}"),
    };
    for (reason, count) in counts.iter() {
        println!("  {count:>10}  {}", xenolith::exit_reason_name(reason));
    }
    println!("  {:>10}  in all", counts.total());
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
