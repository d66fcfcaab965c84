//! Preemptible calls made where a task must not lose its vCPU: the kernel says so and ends.
//!
//! Scheduling there would work most of the time, and corrupt something the rest of it.
//! Expected: the assertion that belongs to each wrong place (`kind=`), behind the upcall that cuts
//! the call; nothing behind it.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use xenolith_guest::{
    StartInfo, command_line,
    events::{self, Port},
    hypercall::event_channel::{bind_ipi, send},
    irq, println, probe,
    scenario::Checks,
    tasks,
    vcpu::VcpuId,
};

xenolith_guest::scenario!(run);

/// The port whose event cuts the call.
static PORT: AtomicU32 = AtomicU32::new(0);

/// Makes a preemptible call that an event cuts, with another task due.
fn call() {
    tasks::request_resched();
    let result = tasks::preemptible_call(|| send(Port(PORT.load(Relaxed))));
    println!("went on behind the call: {result:?}");
}

fn bind(checks: &mut Checks, handler: events::Handler) -> Port {
    match bind_ipi(VcpuId::BOOT) {
        Ok(port) => {
            events::set_handler(port, handler);
            events::unmask(port);
            port
        }
        Err(error) => {
            checks.fail(format_args!("bind_ipi: {error}"));
            Port(0)
        }
    }
}

fn run(checks: &mut Checks, start: &'static StartInfo) {
    if scenarios::tasks::start(checks, start).is_none() {
        return;
    }
    PORT.store(bind(checks, |_| {}).0, Relaxed);
    let outer = bind(checks, |_| {
        irq::irq_enable();
        call();
    });
    // Where it is allowed, the call goes well.
    call();
    let kind = command_line::value(start.command_line(), "kind").unwrap_or("");
    println!("calling: {kind}");
    match kind {
        "rcu" => probe::rcu::stop_watching(),
        "events" => events::set_observer(Some(|frame| frame.rflags &= !irq::Flags::IF.bits())),
        "stack" => drop(send(outer)),
        "disabled" => core::mem::forget(tasks::disable_preemption()),
        _ => return checks.error(format_args!("no kind of call: {kind}")),
    }
    call();
    checks.fail(format_args!("a preemptible call in a wrong place went well"));
}
