//! Console input: bytes that are typed arrive, once, in order, and where the guest asked for them.
//!
//! Input waits in the hypervisor until it is read; a read smaller than what waits must leave the
//! rest, one with a bad address must say so.
//! Expected: the text that the runner types, through reads of 1, 3 and 100 bytes across pages.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::vec::Vec;

use scenarios::{buffers::Buffers, calls::call};
use xenolith_guest::{
    StartInfo,
    abi::{console::READ, errno::EFAULT, hypercall::CONSOLE_IO},
    check, check_eq,
    hypercall::sched,
    println,
    scenario::Checks,
};

xenolith_guest::scenario!(run);

const TEXT: &[u8] = b"The quick brown fox jumps over the lazy dog 0123456789 and goes home.\r";

/// Polls without input before giving up.
const PATIENCE: u32 = 2_000_000;

fn run(checks: &mut Checks, start: &'static StartInfo) {
    let mut buffers = Buffers::new(start);
    println!("type now");
    let (mut read, mut polls) = (Vec::new(), 0);
    for length in [1, 3, 100].into_iter().cycle() {
        if read.len() >= TEXT.len() || polls > PATIENCE {
            break;
        }
        let offset = Buffers::crossing_offset(length);
        buffers.window().fill(offset, length, 0);
        let answer = call(CONSOLE_IO, [READ.into(), length as u64, buffers.at(offset)]);
        match usize::try_from(answer) {
            Ok(0) => {
                let _ = sched::yield_now();
                polls += 1;
            }
            Ok(count) if count <= length => {
                read.extend((0..count).map(|at| buffers.window().bytes::<1>(offset + at)[0]));
            }
            _ => return check_eq!(checks, answer, 0, "answer to a read of {length} bytes"),
        }
    }
    check_eq!(
        checks,
        read.escape_ascii().eq(TEXT.escape_ascii()),
        true,
        "read: {:?}",
        core::str::from_utf8(&read)
    );
    check_bad_memory(checks, &buffers);
}

/// Checks that waiting input does not make a read to a bad address succeed.
fn check_bad_memory(checks: &mut Checks, buffers: &Buffers) {
    println!("type more");
    let mut polls = 0;
    let [(_, bad), ..] = buffers.unwritable(2);
    let answer = loop {
        let answer = call(CONSOLE_IO, [READ.into(), 2, bad]);
        polls += 1;
        if answer != 0 || polls > PATIENCE {
            break answer;
        }
        let _ = sched::yield_now();
    };
    check_eq!(checks, answer, -EFAULT, "read to read-only memory");
    let answer = call(CONSOLE_IO, [READ.into(), 100, buffers.good()]);
    check!(checks, answer >= 0, "read after the failed one answers {answer}");
}
