//! Non-maskable interrupts on bare hardware, and what else comes between any two instructions.
//!
//! Their gate always begins at the top of the same stack, and an exception in their handler ends in
//! IRET, which lets the next one in: the frame of the first could be written over. They also come
//! where the kernel has the stack or the GS of a process: on SYSCALL's first instructions and on
//! SYSRET's last. A kernel that took one for the other would use a process's GS, or leave it its own.
//! Expected: frames and registers of what was interrupted, the kernel's GS in every handler and the
//! one that was there behind it, one at a time, none lost; processes that notice nothing of thousands
//! (`part=storm`); a data breakpoint that MOV SS holds back over SYSCALL is met in the kernel, on a
//! stack of its own (`part=gap`).
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

mod gap;
mod nested;
mod single;
mod storm;

use scenarios::programs::Stage;
use xenolith_guest::{StartInfo, command_line, probe::msr, scenario::Checks};

xenolith_guest::scenario!(run);

/// IA32_GS_BASE.
const GS_BASE: u32 = 0xc000_0101;

/// Returns the base of GS.
fn gs_base() -> u64 {
    msr::read(GS_BASE)
}

fn run(checks: &mut Checks, start: &'static StartInfo) {
    let part = command_line::value(start.command_line(), "part");
    if part == Some("storm") {
        return storm::check(checks, start);
    }
    let mut stage = match Stage::build(start) {
        Ok(stage) => stage,
        Err(error) => return checks.fail(format_args!("exceptions: {error}")),
    };
    if part == Some("gap") {
        gap::check(checks, &mut stage);
    }
    single::check(checks, &mut stage);
    nested::check(checks);
}
