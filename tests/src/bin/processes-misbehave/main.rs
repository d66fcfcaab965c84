//! Processes that do what they must not.
//!
//! Every privileged instruction, wild pointers of every kind, forged frames, stacks that are none,
//! flags that trap, a stack without end, all the memory there is, SYSCALL in the last two bytes of
//! user space. Each could be the kernel's or the domain's end instead of the process's.
//! Expected: each is killed, by the exception that the manual says; a well-behaved process runs
//! afterwards, and all memory is free.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use scenarios::processes::{check_balance, run, run_well, start};
use xenolith_guest::{StartInfo, check_eq, process::table::Status, scenario::Checks};

xenolith_guest::scenario!(main);

const DIVIDE: u8 = 0;
const DEBUG: u8 = 1;
const BREAKPOINT: u8 = 3;
const INVALID_OPCODE: u8 = 6;
const STACK: u8 = 12;
const PROTECTION: u8 = 13;
const PAGE_FAULT: u8 = 14;
const X87: u8 = 16;
const ALIGNMENT: u8 = 17;
const SIMD: u8 = 19;

/// What is done, and the exception that ends it.
const DEEDS: &[(u8, &[&str])] = &[
    (
        PROTECTION,
        &[
            "hlt",
            "cli",
            "sti",
            "clts",
            "invd",
            "wbinvd",
            "swapgs",
            "sysret",
            "sysexit",
            "sysenter",
            "lgdt",
            "lidt",
            "lldt",
            "ltr",
            "lmsw",
            "read-cr0",
            "read-cr3",
            "write-cr0",
            "write-cr3",
            "write-cr4",
            "write-cr8",
            "read-dr7",
            "write-dr7",
            "rdmsr",
            "wrmsr",
            "rdpmc",
            "invlpg",
            "xsetbv",
            "in",
            "out",
            "ins",
            "outs",
            "int-80",
            "int-e",
            "nested-task",
            "iret-to-kernel",
            "iret-nowhere",
            "far-return",
            "far-wild",
            "load-ss",
            "load-ds",
            "far-read",
            "far-call",
        ],
    ),
    (INVALID_OPCODE, &["ud2", "monitor", "vmcall", "vmlaunch", "vmxoff", "prefixed-ud2"]),
    (
        PAGE_FAULT,
        &[
            "null",
            "null-write",
            "null-call",
            "nothing",
            "kernel-read",
            "kernel-write",
            "kernel-call",
            "resident-read",
            "resident-call",
            "hole-read",
            "memory-read",
            "memory-write",
            "no-stack",
            "kernel-stack",
            "no-stack-syscall",
            "kernel-stack-syscall",
            "text-write",
            "stack-call",
            "constant-write",
            "map-write",
            "unmapped",
            "overflow",
            "below-stack",
            "last-syscall",
            "memory-hog",
        ],
    ),
    (DIVIDE, &["divide"]),
    (DEBUG, &["trap-flag", "trap-flag-syscall", "int1"]),
    (BREAKPOINT, &["int3"]),
    (STACK, &["far-stack"]),
    (ALIGNMENT, &["alignment"]),
    (X87, &["x87"]),
    (SIMD, &["sse"]),
];

fn main(checks: &mut Checks, info: &'static StartInfo) {
    if !start(checks, info) {
        return;
    }
    run_well(checks, "echo", "before");
    check_balance(checks, "misbehaviour", |checks| {
        for &(vector, names) in DEEDS {
            for name in names {
                let status = run(checks, "misbehave", name);
                check_eq!(checks, status, Some(Status::Killed(vector)), "{name}");
            }
        }
    });
    check_eq!(checks, run(checks, "misbehave", "status 7"), Some(Status::Exited(7)));
    run_well(checks, "echo", "behind all that");
    run_well(checks, "storm", "2");
}
