//! Processes and threads: fork, exec, wait, pipes between them, locks.

use std::io::{Read, Write, pipe};
use std::process::{Command, ExitCode};
use std::sync::{Condvar, Mutex};
use std::thread;

use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork};

use crate::checks::Checks;

/// The argument with which the program prints its other arguments.
pub(crate) const ECHO: &str = "echo";

/// Prints the arguments behind the first.
pub(crate) fn echo() -> ExitCode {
    println!("{}", std::env::args().skip(2).collect::<Vec<_>>().join("+"));
    ExitCode::from(7)
}

/// How a child came to its end: its exit status, or 1000 and the number of the signal.
pub(crate) fn end_of_child(work: impl FnOnce() -> u8) -> i32 {
    // SAFETY: the process has one thread here, so the child may do what it likes.
    match unsafe { fork() }.expect("a process can be forked") {
        ForkResult::Child => std::process::exit(work().into()),
        ForkResult::Parent { child } => {
            match waitpid(child, None).expect("the child is waited for") {
                WaitStatus::Exited(_, status) => status,
                WaitStatus::Signaled(_, signal, _) => 1000 + signal as i32,
                _ => -1,
            }
        }
    }
}

/// Runs all.
pub(crate) fn run(checks: &mut Checks) {
    let ends: i32 = (0..40).map(|number| end_of_child(|| number * 3)).sum();
    checks.result("forks", ends);
    checks.result("execs", execs());
    checks.result("ping-pong", ping_pong(1000));
    checks.result("pipe", bulk(1 << 20));
    checks.result("threads", threads());
}

/// What the program prints and exits with when it is started again, ten times.
fn execs() -> String {
    let runs = (0..10).map(|number| {
        let mut command = Command::new("/proc/self/exe");
        let output = command.args([ECHO, "a b", &number.to_string()]).output();
        let output = output.expect("the program can be started");
        format!("{}{:?}", String::from_utf8_lossy(&output.stdout).trim(), output.status.code())
    });
    runs.collect::<Vec<_>>().join(",")
}

/// A number that goes to a child and comes back one larger, so many times.
fn ping_pong(rounds: u32) -> u32 {
    let (mut from_parent, mut to_child) = pipe().expect("a pipe");
    let (mut from_child, mut to_parent) = pipe().expect("a pipe");
    // SAFETY: as in `end_of_child`.
    match unsafe { fork() }.expect("a process can be forked") {
        ForkResult::Child => {
            let mut number = [0; 4];
            for _ in 0..rounds {
                from_parent.read_exact(&mut number).expect("the parent writes");
                let next = u32::from_le_bytes(number) + 1;
                to_parent.write_all(&next.to_le_bytes()).expect("the parent reads");
            }
            std::process::exit(0)
        }
        ForkResult::Parent { child } => {
            let mut number = [0; 4];
            for _ in 0..rounds {
                to_child.write_all(&number).expect("the child reads");
                from_child.read_exact(&mut number).expect("the child writes");
            }
            waitpid(child, None).expect("the child is waited for");
            u32::from_le_bytes(number)
        }
    }
}

/// A sum over bytes that come from a child, which fills and empties the pipe again and again.
fn bulk(bytes: u32) -> u64 {
    let (mut reader, mut writer) = pipe().expect("a pipe");
    // SAFETY: as in `end_of_child`.
    match unsafe { fork() }.expect("a process can be forked") {
        ForkResult::Child => {
            drop(reader);
            for word in 0..bytes / 4 {
                writer.write_all(&word.wrapping_mul(0x9e37_79b9).to_le_bytes()).expect("written");
            }
            std::process::exit(0)
        }
        ForkResult::Parent { child } => {
            drop(writer);
            let mut all = Vec::new();
            reader.read_to_end(&mut all).expect("the child writes");
            waitpid(child, None).expect("the child is waited for");
            all.iter().fold(0, |sum: u64, &byte| sum.rotate_left(5) ^ u64::from(byte))
        }
    }
}

/// Four threads that count in turns.
fn threads() -> u32 {
    let (count, changed) = (Mutex::new(0_u32), Condvar::new());
    thread::scope(|scope| {
        for own in 0..4 {
            let (count, changed) = (&count, &changed);
            scope.spawn(move || {
                for _ in 0..200 {
                    let guard = count.lock().expect("no thread panics");
                    let is_other = |count: &mut u32| *count % 4 != own;
                    let mut guard = changed.wait_while(guard, is_other).expect("no thread panics");
                    *guard += 1;
                    changed.notify_all();
                }
            });
        }
    });
    count.into_inner().expect("no thread panics")
}
