//! The key that asks domains to show their state.
//!
//! What is typed for the hypervisor must not reach the guest as input, and a Ctrl-A that is none of
//! an escape must.
//! Expected: VIRQ_DEBUG once, after three times Ctrl-A and q; all other bytes as they were typed.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use scenarios::typing;
use xenolith_guest::{
    StartInfo,
    abi::event_channel::VIRQ_DEBUG,
    check, check_eq, events,
    hypercall::event_channel::{Virq, bind_virq},
    irq, println,
    scenario::Checks,
    traps,
    vcpu::VcpuId,
};

xenolith_guest::scenario!(run);

fn run(checks: &mut Checks, _: &'static StartInfo) {
    check_eq!(checks, traps::install(), Ok(()));
    check_eq!(checks, events::install(), Ok(()));
    let Ok(port) = bind_virq(Virq(VIRQ_DEBUG), VcpuId::BOOT) else {
        return checks.fail(format_args!("no port for VIRQ_DEBUG"));
    };
    events::set_handler(port, |_| {});
    events::unmask(port);
    irq::irq_enable();
    check_eq!(checks, events::count(port), 0, "before anything is typed");
    println!("type now");
    let typed = typing::line();
    check!(checks, typed == b"a\x01bc\r", "typed: {}", typed.escape_ascii());
    check_eq!(checks, events::count(port), 1, "VIRQ_DEBUG");
    check_eq!(checks, events::unexpected(), 0, "events of other ports");
}
