//! A kernel with a timer tick.
#![no_std]
#![no_main]

use core::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use xenolith_guest::{
    StartInfo,
    abi::event_channel::VIRQ_TIMER,
    events::{self, Port},
    hypercall::{
        event_channel::{Virq, bind_virq},
        sched::ShutdownReason,
        timer,
    },
    irq, platform, println, time, traps,
    vcpu::VcpuId,
};

xenolith_guest::entry!(main);

/// From one tick to the next.
const PERIOD: Duration = Duration::from_millis(10);

static TICKS: AtomicU64 = AtomicU64::new(0);

fn main(_: &'static StartInfo) -> ! {
    traps::install().expect("exceptions have entries");
    events::install().expect("events have an entry");
    let port = bind_virq(Virq(VIRQ_TIMER), VcpuId::BOOT).expect("there is a port");
    events::set_handler(port, tick);
    events::unmask(port);
    arm();

    irq::irq_enable();
    while TICKS.load(Relaxed) < 5 {
        // With events disabled, or the last one may come between the question and the halt.
        irq::irq_disable();
        if TICKS.load(Relaxed) < 5 {
            irq::safe_halt();
        }
        irq::irq_enable();
    }
    println!("{} ticks in {:?}", TICKS.load(Relaxed), Duration::from_nanos(time::now().ns()));
    platform::shutdown(ShutdownReason::POWEROFF)
}

/// Handles the event; further ones wait meanwhile.
fn tick(_: Port) {
    TICKS.fetch_add(1, Relaxed);
    arm();
}

/// Asks for an event: the timer fires once.
fn arm() {
    timer::set(Some(time::now() + PERIOD)).expect("the timer takes any time");
}
