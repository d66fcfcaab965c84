//! Tasks that use up their stacks, in three ways (`kind=`).
//!
//! An overflow that nobody sees destroys another task's memory, much later and somewhere else.
//! Expected: the kernel names the task, if it is interrupted close to the end (`slow`) or has
//! written over it and waits (`canary`); the hypervisor names the stack, if it falls at once
//! (`fall`): the frame of the page fault would have to go to the page that is missing.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::time::Duration;

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

/// Goes down step by step, with an upcall at each.
#[expect(unconditional_recursion, reason = "what is tested")]
fn descend(port: Port, depth: u64) -> u64 {
    let ballast = core::hint::black_box([depth; 8]);
    let _ = send(port);
    descend(port, depth + 1) + ballast[7]
}

#[expect(unconditional_recursion, reason = "what is tested")]
fn fall(depth: u64) -> u64 {
    let ballast = core::hint::black_box([depth; 32]);
    fall(depth + 1) + ballast[7]
}

fn overwrite() -> u64 {
    probe::memory::write_u64(tasks::stack().start, 0);
    tasks::sleep(Duration::from_millis(1));
    0
}

fn run(checks: &mut Checks, start: &'static StartInfo) {
    if scenarios::tasks::start(checks, start).is_none() {
        return;
    }
    let Ok(port) = bind_ipi(VcpuId::BOOT) else {
        return checks.fail(format_args!("no port"));
    };
    events::set_handler(port, |_| {});
    events::unmask(port);
    let kind = command_line::value(start.command_line(), "kind").unwrap_or("");
    println!("overflowing: {kind}");
    let task = match kind {
        "slow" => tasks::spawn("slow", move || descend(port, 0)),
        "canary" => tasks::spawn("canary", overwrite),
        "fall" => tasks::spawn("fall", || {
            irq::irq_disable();
            fall(0)
        }),
        _ => return checks.error(format_args!("no kind of overflow: {kind}")),
    };
    let result = task.map(tasks::join);
    checks.fail(format_args!("the task went on: {result:?}"));
}
