//! `sched_op`: yield with any arguments, unknown commands, and shutdowns that cannot be read.
//!
//! A shutdown whose reason lies at a bad address must not end the domain, and a yield must come
//! back at once when nobody else wants the CPU.
//! Expected: what Xen answers; the domain goes on to its own end.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use scenarios::{
    buffers::Buffers,
    calls::{Call, call, check_all},
};
use xenolith_guest::{
    StartInfo,
    abi::{
        errno::{EFAULT, ENOSYS},
        hypercall::SCHED_OP,
        sched,
    },
    check_eq,
    scenario::Checks,
};

xenolith_guest::scenario!(run);

const CALLS: &[Call] = &[
    Call { name: "yield", arguments: [0, 0, 0], answer: 0 },
    Call { name: "yield ignores its argument", arguments: [0, 1 << 47, 3], answer: 0 },
    Call { name: "upper half of the command", arguments: [1 << 32, 0, 0], answer: 0 },
    Call { name: "shutdown without a reason", arguments: [2, 0, 0], answer: -EFAULT },
    Call { name: "first unknown command", arguments: [8, 0, 0], answer: -ENOSYS },
    Call { name: "command 1000", arguments: [1000, 0, 0], answer: -ENOSYS },
    Call { name: "command -1", arguments: [u64::MAX, 0, 0], answer: -ENOSYS },
];

fn run(checks: &mut Checks, start: &'static StartInfo) {
    check_all(checks, SCHED_OP, CALLS);
    let buffers = Buffers::new(start);
    for (what, address) in buffers.unreadable(4) {
        let answer = call(SCHED_OP, [sched::SHUTDOWN.into(), address, 0]);
        check_eq!(checks, answer, -EFAULT, "shutdown with a reason that is {what}");
    }
    for _ in 0..1000 {
        check_eq!(checks, call(SCHED_OP, [sched::YIELD.into(), 0, 0]), 0, "one of many yields");
    }
}
