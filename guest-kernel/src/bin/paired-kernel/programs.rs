//! The commands that run programs in user mode.

use xenolith_guest::{
    StartInfo, memory, println,
    process::{
        self,
        table::{Parent, Status},
    },
};

/// Runs a program with arguments and tells how it ended, unless that is as it should be.
pub(crate) fn run(_: &StartInfo, line: &str) {
    let (name, arguments) = line.split_once([' ', ':']).unwrap_or((line, ""));
    let spawned = process::spawn(name, arguments.as_bytes(), Parent::Kernel);
    let status = spawned.map(|id| process::wait(id, Parent::Kernel));
    match status {
        Ok(Ok(Status::Exited(0))) => {}
        Ok(Ok(Status::Exited(status))) => println!("  {name}: status {status}"),
        Ok(Ok(Status::Interrupted)) => println!("  {name}: ended at the console"),
        Ok(Ok(Status::Killed(vector))) => println!("  {name}: killed by exception {vector}"),
        Ok(Err(_)) => println!("  {name}: it is gone"),
        Err(error) => println!("  {name}: {error}"),
    }
}

/// Runs the shell, on the console or with a script.
pub(crate) fn shell(start: &StartInfo, script: &str) {
    if script.is_empty() {
        run(start, "shell");
    } else {
        run(start, &alloc::format!("shell {script}"));
    }
}

/// Prints what processes there are, and what programs there could be.
pub(crate) fn show(_: &StartInfo, _: &str) {
    for process in process::list() {
        println!("  process {:>6}  {}", process.id.number(), process.name);
    }
    for (name, bytes) in process::ramdisk_files() {
        println!("  file {bytes:>9}  {name}");
    }
    println!("  {} pages are free", memory::free_frames());
}
