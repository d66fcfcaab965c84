//! Virtual interrupts by number: which there are, where each can be bound, and that they come.
//!
//! Each is either one for the domain, on vCPU 0, or one for each vCPU, and what binding it to the
//! wrong place answers tells which. Those that the hypervisor raises must come through the port.
//! Expected: 24 numbers; -EEXIST for the second port of one; -EINVAL and -ENOENT in Xen's order; the
//! timer's and the console's come, each only at its own port.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::{sync::atomic::AtomicU64, sync::atomic::Ordering::Relaxed, time::Duration};

use scenarios::events::{check_nothing_left, install, spin_until, virq};
use xenolith_guest::{
    StartInfo,
    abi::{
        domain::SELF,
        errno::{EEXIST, EINVAL, ENOENT},
        event_channel::{
            NR_VIRQS, VIRQ_CONSOLE, VIRQ_DEBUG, VIRQ_TIMER, VIRQ_XENOPROF, VIRQ_XENPMU,
        },
    },
    check, check_eq,
    events::{self, Port},
    hypercall::{
        Errno, console,
        event_channel::{Connection, Virq, bind_vcpu, bind_virq, close, reset, status},
        timer,
    },
    irq, println,
    scenario::Checks,
    time,
    vcpu::VcpuId,
};

xenolith_guest::scenario!(run);

/// Those that each vCPU has its own of.
const PER_VCPU: [u32; 4] = [VIRQ_TIMER, VIRQ_DEBUG, VIRQ_XENOPROF, VIRQ_XENPMU];

/// Numbers that none has.
const NONE: [u32; 6] = [NR_VIRQS, NR_VIRQS + 1, 64, 255, 256, u32::MAX];

fn run(checks: &mut Checks, _: &'static StartInfo) {
    install(checks);
    // Store and console have ports from the start.
    check_eq!(checks, reset(SELF), Ok(()));
    check_numbers(checks);
    check_arrival(checks);
    check_nothing_left(checks);
}

fn check_numbers(checks: &mut Checks) {
    let (first, second) = (VcpuId::BOOT, VcpuId::new(1));
    check_eq!(checks, NR_VIRQS, 24);
    for number in NONE {
        for vcpu in [first, second] {
            let answer = bind_virq(Virq(number), vcpu);
            check_eq!(checks, answer, Err(Errno(EINVAL)), "VIRQ {number} of {vcpu:?}");
        }
    }
    for (number, port) in (0..NR_VIRQS).zip(1..) {
        let (virq, port) = (Virq(number), Port(port));
        let per_vcpu = PER_VCPU.contains(&number);
        check_eq!(checks, bind_virq(virq, first), Ok(port), "VIRQ {number}");
        check_eq!(checks, bind_virq(virq, first), Err(Errno(EEXIST)), "VIRQ {number} again");
        let elsewhere = if per_vcpu { ENOENT } else { EINVAL };
        check_eq!(checks, bind_virq(virq, second), Err(Errno(elsewhere)), "VIRQ {number} on 1");
        let status = status(SELF, port).map(|it| (it.connection, it.vcpu));
        check_eq!(checks, status, Ok((Connection::Virtual(virq), 0)), "VIRQ {number}");
        let moved = if per_vcpu { Err(Errno(EINVAL)) } else { Ok(()) };
        check_eq!(checks, bind_vcpu(port, first), moved, "VIRQ {number} moved");
    }
    for (number, port) in (0..NR_VIRQS).zip((1..).map(Port)) {
        check_eq!(checks, close(port), Ok(()), "VIRQ {number}");
        // The number is free again, and with it the lowest port.
        check_eq!(checks, bind_virq(Virq(number), first), Ok(port), "VIRQ {number}");
    }
    for port in (1..=NR_VIRQS).map(Port) {
        check_eq!(checks, close(port), Ok(()), "port {port} at the end");
    }
}

static TYPED: AtomicU64 = AtomicU64::new(0);

/// Takes all input.
fn on_console(_: Port) {
    let mut bytes = [0; 16];
    while let Ok(count @ 1..) = console::read(&mut bytes) {
        if bytes[..count].contains(&b'\r') {
            TYPED.fetch_add(1, Relaxed);
        }
    }
}

/// What the hypervisor raises comes, and at its own port.
fn check_arrival(checks: &mut Checks) {
    let mut ports = [Port(0); NR_VIRQS as usize];
    for (number, port) in (0..NR_VIRQS).zip(&mut ports) {
        let handler = if number == VIRQ_CONSOLE { on_console } else { |_| {} };
        match virq(number, handler) {
            Ok(bound) => *port = bound,
            Err(error) => return checks.fail(format_args!("VIRQ {number}: {error}")),
        }
    }
    let counts = |number: u32| events::count(Port(number + 1));
    irq::irq_enable();
    check_eq!(checks, timer::set(Some(time::now() + Duration::from_millis(2))), Ok(()));
    spin_until(Duration::from_millis(20), || counts(VIRQ_TIMER) != 0);
    check_eq!(checks, counts(VIRQ_TIMER), 1, "events of the timer");
    println!("type now");
    spin_until(Duration::from_mins(1), || TYPED.load(Relaxed) != 0);
    check_eq!(checks, TYPED.load(Relaxed), 1, "lines that were typed");
    check!(checks, counts(VIRQ_CONSOLE) >= 1, "events of the console");
    irq::irq_disable();
    for number in (0..NR_VIRQS).filter(|&it| it != VIRQ_TIMER && it != VIRQ_CONSOLE) {
        check_eq!(checks, counts(number), 0, "events of VIRQ {number}");
    }
    for port in ports {
        check_eq!(checks, close(port), Ok(()));
    }
}
