//! System calls in their ways, signals, and asking for the time.

use std::hint::black_box;
use std::time::Instant;

use nix::libc;
use nix::sys::signal::{Signal, raise};

use super::rounds::Bench;
use crate::{compat, signals};

const ROUNDS: u32 = 1000;

/// Measures all.
pub(super) fn run(bench: &mut Bench<'_>) {
    bench.measure(
        ("system call: getpid", Some(0)),
        ROUNDS,
        |_| (),
        |()| {
            // SAFETY: it takes and changes nothing.
            black_box(unsafe { libc::syscall(libc::SYS_getpid) });
        },
    );
    bench.measure(
        ("system call: getpid by int 0x80", Some(0)),
        ROUNDS,
        |_| (),
        |()| {
            black_box(compat::getpid());
        },
    );
    bench.measure(
        ("clock_gettime", Some(0)),
        ROUNDS,
        |_| (),
        |()| {
            black_box(Instant::now());
        },
    );
    signals::handle(Signal::SIGUSR1);
    bench.measure(
        ("signal: raise, handler, return", Some(0)),
        ROUNDS,
        |_| (),
        |()| {
            raise(Signal::SIGUSR1).expect("a signal can be sent");
        },
    );
}
