//! Hypercall numbers that nobody has: in and far beyond every table.
//!
//! The number is the whole of RAX; a dispatcher that looks at a part of it, or indexes a table
//! before comparing, answers wrongly or worse.
//! Expected: `-ENOSYS`, whatever the arguments.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use xenolith_guest::{
    StartInfo,
    abi::{errno::ENOSYS, hypercall},
    check_eq,
    hypercall::page::STUBS,
    probe::hypercall::{by_page, syscall},
    scenario::Checks,
};

xenolith_guest::scenario!(run);

/// Numbers that the page has no stubs for.
const WIDE: &[u64] = &[
    128,
    200,
    0xff11,
    1 << 31,
    u32::MAX as u64,
    1 << 32,
    1 << 32 | hypercall::XEN_VERSION as u64,
    1 << 32 | hypercall::IRET as u64,
    1 << 63,
    1 << 63 | hypercall::SCHED_OP as u64,
    u64::MAX,
];

/// Numbers below 128 that Xen 4.17 gives no meaning, and ours do not either: nor with bit 6, by
/// which a call asks not to be restarted.
const NARROW: &[u32] = &[11, 43, 44, 45, 46, 47, 49, 50, 51, 52, 53, 54, 56, 57, 63, 75, 100, 107];

fn run(checks: &mut Checks, _: &'static StartInfo) {
    for arguments in [[0; 5], [u64::MAX; 5], [2, 0, 0, 0, 0]] {
        for &number in WIDE {
            let answer = syscall(number, arguments);
            check_eq!(checks, answer, -ENOSYS, "number {number:#x}, {arguments:x?}");
        }
        for number in NARROW.iter().copied().chain([STUBS - 2, STUBS - 1]) {
            check_eq!(checks, by_page(number, arguments), -ENOSYS, "stub {number}, {arguments:x?}");
            let answer = syscall(number.into(), arguments);
            check_eq!(checks, answer, -ENOSYS, "number {number}, {arguments:x?}");
        }
    }
}
