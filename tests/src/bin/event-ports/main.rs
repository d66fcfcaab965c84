//! `event_channel_op`, each kind of port and each misuse.
//!
//! What is sent to a port that nobody is at, to one that is masked, or through one that is not the
//! caller's to send through, must go where Xen lets it go and nowhere else.
//! Expected: pending bits, upcalls and error numbers as on Xen.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use scenarios::events::{check_nothing_left, forget, install, ipi, is_pending, virq};
use xenolith_guest::{
    StartInfo,
    abi::{
        domain::SELF,
        errno::{EEXIST, EINVAL, ENOENT, ENOSYS, EPERM, ESRCH},
        event_channel::{VIRQ_CONSOLE, VIRQ_TIMER},
    },
    check, check_eq,
    events::{self, PORTS, Port},
    hypercall::{
        Errno,
        event_channel::{
            Connection, Virq, alloc_unbound, bind_interdomain, bind_ipi, bind_pirq, bind_vcpu,
            bind_virq, close, expand_array, reset, send, set_priority, status, unmask,
        },
    },
    irq,
    scenario::Checks,
    shared_info::shared_info,
    vcpu::VcpuId,
};

xenolith_guest::scenario!(run);

const INVALID: Result<(), Errno> = Err(Errno(EINVAL));

/// The number of this domain, which is its name to others.
const OWN: u16 = 1;
/// A domain that there is not.
const OTHER: u16 = 5;

fn run(checks: &mut Checks, _: &'static StartInfo) {
    install(checks);
    check_services(checks);
    check_masked(checks);
    check_unmask_disabled(checks);
    check_unmask_without_event(checks);
    check_unbound(checks);
    check_both_ends(checks);
    check_connecting(checks);
    check_nowhere(checks);
    check_other_domains(checks);
    check_vcpus(checks);
    check_missing(checks);
    check_reset(checks);
    check_nothing_left(checks);
}

/// Returns a port of each kind: unbound, two ends, global and local VIRQ, IPI.
fn all_kinds() -> Result<[Port; 6], Errno> {
    let near = alloc_unbound(SELF, SELF)?;
    Ok([
        alloc_unbound(SELF, OTHER)?,
        near,
        bind_interdomain(SELF, near)?,
        bind_virq(Virq(VIRQ_CONSOLE), VcpuId::BOOT)?,
        bind_virq(Virq(VIRQ_TIMER), VcpuId::BOOT)?,
        bind_ipi(VcpuId::BOOT)?,
    ])
}

fn close_all(checks: &mut Checks, ports: impl IntoIterator<Item = Port>) {
    for port in ports {
        check_eq!(checks, close(port), Ok(()), "close port {port}");
        check!(checks, !is_pending(port), "closed port {port} has an event");
        check_eq!(checks, connection(port), Ok(Connection::Closed), "port {port}");
    }
}

fn connection(port: Port) -> Result<Connection, Errno> {
    status(SELF, port).map(|status| status.connection)
}

/// The ports of store and console are there at the start, and are ports like others.
fn check_services(checks: &mut Checks) {
    for port in [1, 2].map(Port) {
        // To a guest they seem to be connected to domain 0, where on Xen they are.
        let seems = matches!(connection(port), Ok(Connection::Interdomain(0, _)));
        check!(checks, seems, "port {port} is {:?}", connection(port));
        check_eq!(checks, send(port), Ok(()), "send to a service");
        check!(checks, !is_pending(port), "port {port} has an event of its own");
        check_eq!(checks, unmask(port), Ok(()), "a service's port");
        check_eq!(checks, bind_vcpu(port, VcpuId::BOOT), Ok(()), "a service's port");
        check_eq!(checks, bind_interdomain(SELF, port), Err(Errno(EINVAL)), "a service's port");
        close_all(checks, [port]);
        check_eq!(checks, send(port), INVALID, "a service that is gone");
    }
}

/// A masked port takes its event and makes no upcall due; the call that unmasks delivers it.
fn check_masked(checks: &mut Checks) {
    let Ok(port) = ipi(|_| {}) else { return checks.fail(format_args!("no port")) };
    irq::irq_enable();
    for round in 1..4 {
        events::mask(port);
        let upcalls = events::upcalls();
        check_eq!(checks, send(port), Ok(()));
        check_eq!(checks, send(port), Ok(()));
        check!(checks, is_pending(port), "the event waits, round {round}");
        check_eq!(checks, events::upcalls(), upcalls, "upcalls of a masked port");
        check_eq!(checks, unmask(port), Ok(()));
        check_eq!(checks, events::count(port), round, "events after the call");
        check!(checks, !is_pending(port), "the event is taken, round {round}");
        check_eq!(checks, events::upcalls(), upcalls + 1, "upcalls after the call");
    }
    irq::irq_disable();
    close_all(checks, [port]);
}

/// With events disabled the call makes an upcall due, for whoever enables them.
fn check_unmask_disabled(checks: &mut Checks) {
    use core::sync::atomic::Ordering::Relaxed;
    let Ok(port) = ipi(|_| {}) else { return checks.fail(format_args!("no port")) };
    let (words, before) = (shared_info().vcpu(0), events::count(port));
    events::mask(port);
    check_eq!(checks, send(port), Ok(()));
    check_eq!(checks, words.upcall_pending().load(Relaxed), 0);
    check_eq!(checks, words.pending_selector().load(Relaxed), 0);
    check_eq!(checks, unmask(port), Ok(()));
    check_eq!(checks, words.upcall_pending().load(Relaxed), 1);
    check_eq!(checks, words.pending_selector().load(Relaxed), 1 << port.word());
    check_eq!(checks, events::count(port), before);
    irq::irq_enable();
    check_eq!(checks, events::count(port), before + 1);
    irq::irq_disable();
    close_all(checks, [port]);
}

/// Without an event there is nothing to deliver, and a free port is left as it is.
fn check_unmask_without_event(checks: &mut Checks) {
    let Ok(port) = ipi(|_| {}) else { return checks.fail(format_args!("no port")) };
    let (upcalls, count) = (events::upcalls(), events::count(port));
    events::mask(port);
    irq::irq_enable();
    check_eq!(checks, unmask(port), Ok(()));
    check!(checks, events::mask(port), "the call took the mask off");
    check_eq!(checks, (events::upcalls(), events::count(port)), (upcalls, count));
    irq::irq_disable();
    close_all(checks, [port]);
    check_eq!(checks, unmask(port), Ok(()), "a free port");
    check!(checks, !events::mask(port), "a free port stays masked");
    for port in [PORTS, u32::MAX].map(Port) {
        check_eq!(checks, unmask(port), INVALID, "port {port}");
    }
}

/// What is sent where nobody is, is dropped.
fn check_unbound(checks: &mut Checks) {
    for remote in [SELF, OWN, 0, OTHER] {
        let Ok(port) = alloc_unbound(SELF, remote) else {
            return checks.fail(format_args!("no port for domain {remote}"));
        };
        let named = if remote == SELF { OWN } else { remote };
        check_eq!(checks, connection(port), Ok(Connection::Unbound(named)));
        check_eq!(checks, send(port), Ok(()), "to nobody");
        check!(checks, !is_pending(port), "nothing comes back");
        close_all(checks, [port]);
    }
}

/// Two ends in one domain: what one sends comes to the other.
fn check_both_ends(checks: &mut Checks) {
    let (Ok(far), Ok(other)) = (alloc_unbound(SELF, SELF), ipi(|_| {})) else {
        return checks.fail(format_args!("no ports"));
    };
    let Ok(near) = bind_interdomain(SELF, far) else {
        return checks.fail(format_args!("the ends of one domain do not connect"));
    };
    check!(checks, is_pending(near) && !is_pending(far), "a new end has an event");
    forget(near);
    for (from, to) in [(near, far), (far, near)] {
        check_eq!(checks, connection(from), Ok(Connection::Interdomain(OWN, to)));
        check_eq!(checks, send(from), Ok(()));
        check!(checks, is_pending(to) && !is_pending(from), "from port {from} to {to}");
        check!(checks, !is_pending(other), "an event at a third port");
        forget(to);
    }
    // The end that stays waits for this domain again.
    close_all(checks, [near]);
    check_eq!(checks, connection(far), Ok(Connection::Unbound(OWN)));
    check_eq!(checks, send(far), Ok(()));
    check!(checks, !is_pending(near), "an event at a closed port");
    check_eq!(checks, bind_interdomain(OWN, far), Ok(near));
    close_all(checks, [far]);
    check_eq!(checks, connection(near), Ok(Connection::Unbound(OWN)));
    close_all(checks, [near, other]);
}

/// Only a port that waits for this domain can be connected to.
fn check_connecting(checks: &mut Checks) {
    let Ok(kinds) = all_kinds() else { return checks.fail(format_args!("no ports")) };
    for port in kinds.into_iter().chain([0, 40, PORTS - 1, PORTS, u32::MAX].map(Port)) {
        let before = connection(port);
        check_eq!(checks, bind_interdomain(SELF, port), Err(Errno(EINVAL)), "port {port}");
        check_eq!(checks, connection(port), before, "port {port}");
    }
    check_eq!(checks, bind_virq(Virq(VIRQ_TIMER), VcpuId::BOOT), Err(Errno(EEXIST)));
    close_all(checks, kinds);
}

/// Ports that are not open, or not to be sent through.
fn check_nowhere(checks: &mut Checks) {
    let Ok(timer) = virq(VIRQ_TIMER, |_| {}) else { return checks.fail(format_args!("no port")) };
    let Ok(console) = virq(VIRQ_CONSOLE, |_| {}) else {
        return checks.fail(format_args!("no port for the console"));
    };
    for port in [timer, console] {
        check_eq!(checks, send(port), INVALID, "a virtual interrupt's port");
        check!(checks, !is_pending(port), "the kernel raised a virtual interrupt");
    }
    for port in [0, 50, PORTS - 1, PORTS, PORTS + 1, u32::MAX].map(Port) {
        check_eq!(checks, send(port), INVALID, "send to port {port}");
        check_eq!(checks, close(port), INVALID, "close port {port}");
        check_eq!(checks, bind_vcpu(port, VcpuId::BOOT), INVALID, "move port {port}");
    }
    check_eq!(checks, connection(Port(0)), Ok(Connection::Closed), "port 0");
    for port in [PORTS, u32::MAX].map(Port) {
        check_eq!(checks, connection(port), Err(Errno(EINVAL)), "status of port {port}");
    }
    close_all(checks, [timer, console]);
}

/// There is no other domain.
fn check_other_domains(checks: &mut Checks) {
    let Ok(port) = alloc_unbound(OWN, SELF) else { return checks.fail(format_args!("no port")) };
    for domain in [0, OTHER, 0x7ff1, 0x7fff] {
        let absent = Errno(ESRCH);
        check_eq!(checks, alloc_unbound(domain, SELF), Err(absent), "in domain {domain}");
        check_eq!(checks, bind_interdomain(domain, port), Err(absent), "to domain {domain}");
        check_eq!(checks, status(domain, port).map(drop), Err(absent), "of domain {domain}");
        check_eq!(checks, reset(domain), Err(absent), "of domain {domain}");
    }
    check_eq!(checks, status(OWN, port), status(SELF, port));
    close_all(checks, [port]);
}

/// Ports that may move do, to the only vCPU there is; others never.
fn check_vcpus(checks: &mut Checks) {
    let Ok(kinds) = all_kinds() else { return checks.fail(format_args!("no ports")) };
    let ([.., timer, own], second) = (kinds, VcpuId::new(1));
    for port in kinds {
        let bound = port == timer || port == own;
        let expected = if bound { INVALID } else { Ok(()) };
        check_eq!(checks, bind_vcpu(port, VcpuId::BOOT), expected, "port {port}");
        check_eq!(checks, status(SELF, port).map(|it| it.vcpu), Ok(0), "vCPU of port {port}");
        check_eq!(checks, bind_vcpu(port, second), Err(Errno(ENOENT)), "port {port} elsewhere");
    }
    check_eq!(checks, bind_vcpu(Port(0), second), Err(Errno(ENOENT)), "vCPUs come before ports");
    check_eq!(checks, bind_ipi(second), Err(Errno(ENOENT)));
    close_all(checks, kinds);
}

/// Physical interrupts, and the other protocol.
fn check_missing(checks: &mut Checks) {
    check_eq!(checks, bind_pirq(0, 0), Err(Errno(EPERM)));
    check_eq!(checks, bind_pirq(1000, 0), Err(Errno(EINVAL)));
    check_eq!(checks, expand_array(0), Err(Errno(ENOSYS)));
    check_eq!(checks, set_priority(Port(1), 0), Err(Errno(ENOSYS)));
}

/// A reset closes everything, in pieces that nothing shows of, and the numbers begin anew.
fn check_reset(checks: &mut Checks) {
    for used in [0, 6, 600, PORTS] {
        let Ok(kinds) = all_kinds() else { return checks.fail(format_args!("no ports")) };
        let first = kinds.iter().min().copied().unwrap_or(Port(0));
        let last = (6..used).map_while(|_| bind_ipi(VcpuId::BOOT).ok()).last();
        let last = last.unwrap_or(kinds[5]);
        for port in [kinds[5], last] {
            check_eq!(checks, send(port), Ok(()));
            check!(checks, is_pending(port), "port {port} has an event");
        }
        check_eq!(checks, reset(SELF), Ok(()), "{used} ports");
        let open = (1..=last.0).map(Port).find(|&it| connection(it) != Ok(Connection::Closed));
        check_eq!(checks, open, None, "port open behind a reset of {used}");
        let pending = (1..=last.0).map(Port).find(|&it| is_pending(it));
        check_eq!(checks, pending, None, "port with an event behind a reset of {used}");
        check_eq!(checks, bind_virq(Virq(VIRQ_TIMER), VcpuId::BOOT), Ok(Port(1)));
        check_eq!(checks, close(Port(1)), Ok(()));
        check_eq!(checks, first, Port(1), "the first port");
    }
    check_eq!(checks, reset(OWN), Ok(()), "nothing to close");
    // An upcall may be due for ports that were closed: it finds nothing.
    irq::irq_enable();
    irq::irq_disable();
}
