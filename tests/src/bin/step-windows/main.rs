//! An event at every instruction of every window of the resident.
//!
//! On each way out the resident asks whether an event is deliverable; behind that question it can
//! only be sent back. A window that is listed too short loses an event until the next exit, one whose
//! undoing is wrong loses a register, the stack, the mode or GS. No other test hits each instruction.
//! So each sequence runs again and again, with the event one instruction later each time.
//! Expected: the handler is called once; registers, flags, bases of GS and results are as without the
//! event; the upcall's frame says the next instruction outside the resident; and at the end every
//! instruction of every window was met while the event was deliverable.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

mod calls;
mod coverage;
mod own_events;
mod programs;
mod sweep;
mod tables;
mod upcalls;

use scenarios::programs::Stage;
use sweep::Sweeper;
use xenolith_guest::{StartInfo, check_eq, events, irq, scenario::Checks};

xenolith_guest::scenario!(run);

fn run(checks: &mut Checks, start: &'static StartInfo) {
    let mut stage = match Stage::build(start) {
        Ok(stage) => stage,
        Err(error) => return checks.error(format_args!("no entries: {error}")),
    };
    check_eq!(checks, events::install(), Ok(()));
    upcalls::set_bases(&mut stage);
    let mut sweeper = match Sweeper::new(checks) {
        Ok(sweeper) => sweeper,
        Err(error) => return checks.error(format_args!("no port: {error}")),
    };
    irq::irq_enable();
    calls::sweep(&mut sweeper);
    own_events::sweep(&mut sweeper);
    tables::sweep(&mut sweeper, start);
    programs::sweep(&mut sweeper, &mut stage);
    sweeper.finish();
}
