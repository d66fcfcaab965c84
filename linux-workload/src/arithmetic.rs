//! Floating-point and vector registers: processes that share the CPU each find their own.

use std::arch::asm;

use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork};

use crate::checks::Checks;

/// Runs all.
pub(crate) fn run(checks: &mut Checks) {
    let children = (1..=4_u8).map(|seed| {
        // SAFETY: the process has one thread here.
        match unsafe { fork() }.expect("a process can be forked") {
            ForkResult::Child => std::process::exit(series(seed).into()),
            ForkResult::Parent { child } => child,
        }
    });
    let ends = children.collect::<Vec<_>>().into_iter().map(|child| {
        match waitpid(child, None).expect("the child is waited for") {
            WaitStatus::Exited(_, status) => status,
            _ => -1,
        }
    });
    checks.result("vectors-kept", vectors_kept());
    checks.result("series", format!("{:?}", ends.collect::<Vec<_>>()));
}

/// A sum of roots whose last bits depend on every step, in eight lanes.
fn series(seed: u8) -> u8 {
    let mut lanes = [0, 1, 2, 3, 4, 5, 6, 7].map(|lane| (f64::from(lane), f64::from(seed)));
    for step in 0..20_000_u32 {
        for (lane, value) in &mut lanes {
            *value = (*value + f64::from(step) + f64::from(seed)).sqrt() * 1.5 + *lane;
        }
        if step.is_multiple_of(500) {
            std::thread::yield_now();
        }
    }
    lanes.iter().fold(0, |sum: u64, (_, value)| sum.rotate_left(7) ^ value.to_bits()).to_le_bytes()
        [0]
}

/// How often two processes, in turns, find in vector registers what they have put there.
fn vectors_kept() -> String {
    let kept = |seed: u64| {
        let count = (0..100).filter(|round| is_kept(seed << 32 | round)).count();
        u8::try_from(count).unwrap_or(u8::MAX)
    };
    // SAFETY: the process has one thread here.
    match unsafe { fork() }.expect("a process can be forked") {
        ForkResult::Child => std::process::exit(kept(1).into()),
        ForkResult::Parent { child } => {
            let own = kept(2);
            let childs = match waitpid(child, None).expect("the child is waited for") {
                WaitStatus::Exited(_, status) => status,
                _ => -1,
            };
            format!("{own} {childs}")
        }
    }
}

/// Whether a value stays in vector registers while another process may run.
fn is_kept(value: u64) -> bool {
    const SCHED_YIELD: u64 = 24;
    let (low, high): (u64, u64);
    // SAFETY: the call takes nothing, and changes rax, rcx and r11; the vector registers are
    // declared.
    unsafe {
        asm!("movq xmm7, {value}", "movq xmm15, {value}", "syscall", "movq {low}, xmm7",
            "movq {high}, xmm15", value = in(reg) value, low = out(reg) low, high = out(reg) high,
            inout("rax") SCHED_YIELD => _, out("rcx") _, out("r11") _, out("xmm7") _,
            out("xmm15") _);
    }
    low == value && high == value
}
