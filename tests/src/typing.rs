//! What is typed at the machine's console, as a guest without events reads it.

use alloc::vec::Vec;

use xenolith_guest::hypercall::{console, sched};

/// Polls without input before giving up.
const PATIENCE: u32 = 2_000_000;

/// Reads by `console_io` up to the end of a line, or what has come when patience ends.
pub fn line() -> Vec<u8> {
    let (mut typed, mut buffer) = (Vec::new(), [0; 16]);
    for _ in 0..PATIENCE {
        let count = console::read(&mut buffer).unwrap_or(0);
        typed.extend_from_slice(&buffer[..count]);
        if typed.ends_with(b"\r") {
            break;
        }
        let _ = sched::yield_now();
    }
    typed
}
