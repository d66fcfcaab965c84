//! Changes of tasks, and tasks that come and go.

use std::fs;
use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::thread;

use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, fork};

use super::rounds::{Bench, Row};

/// Where a program without a library is written.
const FILE: &str = "/root/program-without-library";

/// A program with one, if it is there.
const BUSYBOX: &str = "/bin/busybox";

/// Where the former is loaded.
const ADDRESS: u64 = 0x40_0000;

/// Bytes of an ELF header of 64 bits and one program header.
const HEADERS: u64 = 64 + 56;

/// `_start`: `xor edi, edi; mov eax, 60 (exit); syscall`.
const CODE: [u8; 9] = [0x31, 0xff, 0xb8, 60, 0, 0, 0, 0x0f, 0x05];

/// Measures all.
pub(super) fn run(bench: &mut Bench<'_>) {
    processes(bench);
    threads(bench);
    bench.measure(("fork, exit, wait", None), 30, |_| (), |()| fork_and_wait());
    fs::write(FILE, program()).expect("the program can be written");
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(FILE, mode).expect("the program can be made executable");
    let bare = ("spawn, exec, exit, wait: no library", None);
    bench.measure(bare, 30, |_| Command::new(FILE), start_and_wait);
    let busybox = ("spawn, exec, exit, wait: busybox true", None);
    bench.measure(
        busybox,
        100,
        |_| Command::new(BUSYBOX),
        |mut command| {
            start_and_wait(command.arg("true"));
        },
    );
}

/// A byte to another process and back: two changes of address space, four system calls.
fn processes(bench: &mut Bench<'_>) {
    let (ours, theirs) = connected();
    // SAFETY: the process has one thread here, so the child may do what it likes.
    let child = match unsafe { fork() }.expect("a process can be forked") {
        ForkResult::Child => {
            drop(ours);
            theirs.echo();
            std::process::exit(0)
        }
        ForkResult::Parent { child } => child,
    };
    drop(theirs);
    ours.measure(("pipe to a process and back", Some(0)), bench);
    drop(ours);
    waitpid(child, None).expect("the child is waited for");
}

/// The same with a thread: two changes of task.
fn threads(bench: &mut Bench<'_>) {
    let (ours, theirs) = connected();
    thread::scope(|scope| {
        scope.spawn(|| theirs.echo());
        ours.measure(("pipe to a thread and back", Some(0)), bench);
        drop(ours);
    });
}

/// One end of two pipes.
struct End {
    from: PipeReader,
    to: PipeWriter,
}

/// Both ends.
fn connected() -> (End, End) {
    let (one, other) = (pipe().expect("a pipe"), pipe().expect("a pipe"));
    (End { from: one.0, to: other.1 }, End { from: other.0, to: one.1 })
}

impl End {
    /// Sends back what comes until nothing can.
    fn echo(mut self) {
        let mut byte = [0];
        while self.from.read_exact(&mut byte).is_ok() && self.to.write_all(&byte).is_ok() {}
    }

    /// Measures a byte that goes there and comes back.
    fn measure(&self, row: Row<'_>, bench: &mut Bench<'_>) {
        let mut byte = [0];
        bench.measure(
            row,
            1000,
            |_| (),
            |()| {
                (&self.to).write_all(&byte).expect("the other end reads");
                (&self.from).read_exact(&mut byte).expect("the other end writes");
            },
        );
    }
}

/// A child that ends at once.
fn fork_and_wait() {
    // SAFETY: the child does nothing but end.
    match unsafe { fork() }.expect("a process can be forked") {
        // SAFETY: nothing of this process has to be cleaned up.
        ForkResult::Child => unsafe { nix::libc::_exit(0) },
        ForkResult::Parent { child } => {
            waitpid(child, None).expect("the child is waited for");
        }
    }
}

/// A program from its start to its end.
fn start_and_wait(mut command: impl std::borrow::BorrowMut<Command>) {
    let status = command.borrow_mut().status().expect("the program can be started");
    assert!(status.success(), "the program succeeds");
}

/// The ELF file: one segment that holds it all.
fn program() -> Vec<u8> {
    let size = HEADERS + CODE.len() as u64;
    let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    // Type, machine, version; entry, program headers, section headers; flags; sizes and counts.
    file.extend([2_u16, 62].map(u16::to_le_bytes).as_flattened());
    file.extend(1_u32.to_le_bytes());
    file.extend([ADDRESS + HEADERS, 64, 0].map(u64::to_le_bytes).as_flattened());
    file.extend(0_u32.to_le_bytes());
    file.extend([64_u16, 56, 1, 64, 0, 0].map(u16::to_le_bytes).as_flattened());
    // Loadable, flags; offset, addresses, sizes, alignment.
    file.extend([1_u32, 5].map(u32::to_le_bytes).as_flattened());
    file.extend([0, ADDRESS, ADDRESS, size, size, 0x1000].map(u64::to_le_bytes).as_flattened());
    file.extend(CODE);
    file
}
