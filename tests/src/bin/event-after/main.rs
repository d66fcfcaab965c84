//! The extension that lets an event come after a number of ticks: exact, bounded, only if asked for.
//!
//! Other scenarios prove by it that an event may come at any instruction, so it must not skip any.
//! Expected: from one number to the next the event comes one instruction later; errors for a bad
//! port or count; with `expect=EPERM` on the command line that error for all.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use xenolith_guest::{
    StartInfo,
    abi::{
        errno::{EINVAL, EPERM},
        xenolith::MAX_EVENT_TICKS,
    },
    check, check_eq, command_line,
    entry::PtRegs,
    events::{self, Port},
    hypercall::{
        Errno,
        event_channel::bind_ipi,
        xenolith::{event_after, event_arrival},
    },
    irq::{self, Flags},
    probe::registers::{self, NOPS, Registers},
    scenario::Checks,
    vcpu::VcpuId,
};

xenolith_guest::scenario!(run);

/// More ticks than pass between the two calls.
const ENOUGH: u64 = 400;

/// Ticks of a wait that is given up.
const TICKS: u64 = 10_000;

/// Where the last upcall interrupted.
static INTERRUPTED: AtomicU64 = AtomicU64::new(0);

fn run(checks: &mut Checks, start: &'static StartInfo) {
    check_eq!(checks, events::install(), Ok(()));
    let port = match bind_ipi(VcpuId::BOOT) {
        Ok(port) => port,
        Err(error) => return checks.fail(format_args!("bind_ipi: {error}")),
    };
    events::set_handler(port, |_| {});
    events::set_observer(Some(|frame: &mut PtRegs| INTERRUPTED.store(frame.rip, Relaxed)));
    events::unmask(port);
    irq::irq_enable();
    if command_line::value(start.command_line(), "expect") == Some("EPERM") {
        return check_refused(checks, port);
    }
    check_errors(checks, port);
    check_exactness(checks, port);
    check_end(checks, port);
}

fn check_refused(checks: &mut Checks, port: Port) {
    for (port, ticks) in [(port, 1), (Port(0), 0)] {
        check_eq!(checks, event_after(port, ticks), Err(Errno(EPERM)));
    }
    check_eq!(checks, event_arrival(), Err(Errno(EPERM)));
}

fn check_errors(checks: &mut Checks, port: Port) {
    for (port, ticks) in [
        (port, 0),
        (port, u64::from(MAX_EVENT_TICKS) + 1),
        (port, u64::MAX),
        (port, 1 << 32 | 1),
        (Port(0), 1),
        (Port(port.0 + 1), 1),
        (Port(4096), 1),
    ] {
        let answer = event_after(port, ticks);
        check_eq!(checks, answer, Err(Errno(EINVAL)), "port {port}, {ticks} ticks");
    }
    check_eq!(checks, event_arrival(), Ok(None), "nothing was begun");
}

/// Lets the event come at each instruction of a row of one-byte instructions.
fn check_exactness(checks: &mut Checks, port: Port) {
    let mut in_a_row = 0;
    let mut last = 0;
    for ticks in 1..ENOUGH {
        let before = events::count(port);
        let mut found = Registers::pattern(ticks);
        let wanted = found;
        check_eq!(checks, event_after(port, ticks), Ok(()));
        registers::nops(&mut found);
        let Ok(arrival) = event_arrival() else { return checks.fail(format_args!("no arrival")) };
        // The processor's own IF decides nothing; `iret` sets it.
        found.rflags &= !Flags::IF.bits();
        check_eq!(checks, found, wanted, "registers, {ticks} ticks");
        let Some(arrival) = arrival else { break };
        check_eq!(checks, events::count(port), before + 1, "after {ticks} ticks");
        if !(arrival.resident..arrival.resident + 0x1_0000).contains(&arrival.rip) {
            check_eq!(checks, INTERRUPTED.load(Relaxed), arrival.rip, "rip of the upcall");
        }
        if arrival.rip == last + 1 {
            in_a_row += 1;
        }
        last = arrival.rip;
    }
    check!(checks, in_a_row >= NOPS, "{in_a_row} one-byte instructions seen");
    check!(checks, last != 0, "some event came");
}

/// Ends a count before the event, which then does not come.
fn check_end(checks: &mut Checks, port: Port) {
    let before = events::count(port);
    check_eq!(checks, event_after(port, TICKS), Ok(()));
    check_eq!(checks, event_arrival(), Ok(None));
    for seed in 0..TICKS / NOPS {
        registers::nops(&mut Registers::pattern(seed));
    }
    check_eq!(checks, events::count(port), before, "events after the end");
}
