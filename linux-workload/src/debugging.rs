//! Debugging by ptrace: single steps, and a watchpoint in the CPU's debug registers.

use std::mem::offset_of;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::libc;
use nix::sys::ptrace;
use nix::sys::signal::{Signal, raise};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork};

use crate::checks::Checks;

/// What the child writes.
static WATCHED: AtomicU64 = AtomicU64::new(0);

/// Runs all.
pub(crate) fn run(checks: &mut Checks) {
    let child = stopped_child();
    checks.result("single-steps", (0..100).filter(|_| step(child)).count());
    checks.result("watchpoint", watchpoint(child));
    ptrace::cont(child, None).expect("the child goes on");
    checks.result("traced-child", format!("{:?}", waitpid(child, None).map(status)));
}

/// A child that stops itself, and then writes what is watched and ends.
fn stopped_child() -> Pid {
    // SAFETY: the process has one thread here.
    match unsafe { fork() }.expect("a process can be forked") {
        ForkResult::Child => {
            ptrace::traceme().expect("the parent traces");
            raise(Signal::SIGSTOP).expect("a signal can be sent");
            (0..1000).for_each(|_| std::hint::spin_loop());
            WATCHED.store(1, Ordering::SeqCst);
            std::process::exit(5)
        }
        ForkResult::Parent { child } => {
            waitpid(child, None).expect("the child is waited for");
            child
        }
    }
}

/// Lets the child execute one instruction; tells whether it stopped behind it.
fn step(child: Pid) -> bool {
    ptrace::step(child, None).expect("the child goes on");
    matches!(waitpid(child, None), Ok(WaitStatus::Stopped(_, Signal::SIGTRAP)))
}

/// Lets the child run until it writes what is watched; tells what DR6 says then.
fn watchpoint(child: Pid) -> String {
    const WRITE_OF_EIGHT: i64 = 0b1001 << 16 | 1;
    let register = |number: usize| offset_of!(libc::user, u_debugreg) + number * 8;
    let write = |number, value: i64| {
        ptrace::write_user(child, register(number) as ptrace::AddressType, value)
            .expect("a debug register can be set");
    };
    write(0, (&raw const WATCHED).addr().cast_signed() as i64);
    write(7, WRITE_OF_EIGHT);
    ptrace::cont(child, None).expect("the child goes on");
    let stop = waitpid(child, None).map(status);
    let address = register(6) as ptrace::AddressType;
    let reason = ptrace::read_user(child, address).expect("a debug register can be read") & 0xf;
    write(7, 0);
    format!("{stop:?} {reason}")
}

/// A status without the process's number.
fn status(status: WaitStatus) -> String {
    match status {
        WaitStatus::Exited(_, code) => format!("exit {code}"),
        WaitStatus::Stopped(_, signal) => format!("stop {signal}"),
        other => format!("{other:?}"),
    }
}
