//! Measures how long an event waits while a long hypercall is being made, for `cargo xtask bench
//! --latency`.
//!
//! A one-shot timer is set to moments all over the call; Bochs' counter counts instructions. What
//! counts is the distance from the instruction at which the timer is due to the first one of the
//! guest's handler: root's interrupt, the rest of the unit of work it falls into, and delivery.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

mod batches;
mod memory;
mod sampler;
mod stage;

use xenolith_guest::{
    StartInfo, events,
    hypercall::sched::{self, ShutdownReason},
    probe::arrival,
    traps,
};

use stage::Stage;

xenolith_guest::entry!(main);

fn main(start: &'static StartInfo) -> ! {
    traps::install().expect("the hypervisor takes handlers");
    events::install().expect("the hypervisor takes a callback");
    arrival::install().expect("it takes another callback");
    let mut stage = Stage::new(start);
    sampler::install().expect("there is a virtual timer");
    for call in memory::CALLS.iter().chain(batches::CALLS) {
        sampler::measure(call, &mut stage);
    }
    sched::shutdown(ShutdownReason::POWEROFF)
}
