//! A process that jumps into the resident.
//!
//! It cannot execute there, but its instruction pointer is where the resident's is when something
//! interrupts it: at an instruction that may fault, or that is restarted, or that returns to a kernel.
//! Expected: a page fault with the process's own registers at every address, stepping or not, and
//! also when an event comes at that very moment.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::ops::Range;

use scenarios::{
    programs::{Ring, Stage, exception},
    resident,
};
use xenolith_guest::{
    StartInfo, check_eq,
    events::{self, Port},
    hypercall::{
        event_channel::bind_ipi,
        xenolith::{event_after, event_arrival},
    },
    irq::Flags,
    probe::exception::continue_with,
    scenario::Checks,
    vcpu::VcpuId,
};

xenolith_guest::scenario!(run);

/// The resident's code: that of vCPU 0.
const TEXT: u64 = 0xffff_8100_0002_0000;
/// More than its bytes.
const OFFSETS: u64 = 0x1e00;
/// Ticks within which a process is entered and has jumped.
const TICKS: u64 = 900;
/// Ticks by which ways to the jump may differ.
const MARGIN: u64 = 30;
/// `jmp rbx`
const JUMP: &[u8] = &[0xff, 0xe3];
const TF: u64 = 1 << 8;
const PAGE_FAULT: u8 = 14;

fn run(checks: &mut Checks, start: &'static StartInfo) {
    let mut stage = match Stage::build(start) {
        Ok(stage) => stage,
        Err(error) => return checks.fail(format_args!("exceptions: {error}")),
    };
    for offset in 0..OFFSETS {
        for flags in [0, TF] {
            check_jump(checks, &mut stage, offset, flags);
        }
    }
    check_events(checks, &mut stage);
}

fn check_jump(checks: &mut Checks, stage: &mut Stage, offset: u64, flags: u64) {
    let mut start = stage.load(Ring::User, JUMP, Flags::IF);
    start.rbx = TEXT + offset;
    start.rflags |= flags;
    let mut seen = continue_with(&start);
    if seen.cause() == exception(1) {
        // The jump's own step; from there on without.
        seen.rflags &= !TF;
        seen = continue_with(&seen);
    }
    let found = (seen.cause(), seen.rip, seen.rsp, seen.cs & 0xffff);
    let wanted = (exception(PAGE_FAULT), start.rbx, start.rsp, start.cs);
    check_eq!(checks, found, wanted, "offset {offset:#x}, flags {flags:#x}");
}

/// Has an event come around a jump to each end of each window, and before each IRETQ.
fn check_events(checks: &mut Checks, stage: &mut Stage) {
    check_eq!(checks, events::install(), Ok(()));
    let Ok(port) = bind_ipi(VcpuId::BOOT) else {
        return checks.fail(format_args!("no port"));
    };
    events::set_handler(port, |_| {});
    events::unmask(port);
    let (header, _) = resident::read(TEXT);
    let windows = header.restarts.iter().flat_map(|restart| [restart.start, restart.end - 1]);
    let mut ticks = 1..TICKS;
    for offset in windows.chain(header.returns) {
        let mut last_of = |ticks: Range<u64>| {
            let comes = |at: &u64| comes_at(checks, stage, port, offset.into(), *at);
            ticks.filter(comes).last()
        };
        // Where the machine's clock came in between, it is looked for again.
        let Some(met) = last_of(ticks.clone()).or_else(|| last_of(1..TICKS)) else {
            return checks.fail(format_args!("no event came at offset {offset:#x}"));
        };
        ticks = met.saturating_sub(MARGIN).max(1)..met + MARGIN;
    }
}

/// Returns whether an event after so many ticks came where the process had jumped to.
fn comes_at(checks: &mut Checks, stage: &mut Stage, port: Port, offset: u64, ticks: u64) -> bool {
    let mut start = stage.load(Ring::User, JUMP, Flags::IF);
    start.rbx = TEXT + offset;
    check_eq!(checks, event_after(port, ticks), Ok(()));
    let seen = continue_with(&start);
    let arrival = event_arrival();
    let found = (seen.cause(), seen.rip, seen.rsp);
    let wanted = (exception(PAGE_FAULT), start.rbx, start.rsp);
    check_eq!(checks, found, wanted, "offset {offset:#x}, tick {ticks}");
    arrival.is_ok_and(|arrival| arrival.is_some_and(|arrival| arrival.rip == start.rbx))
}
