//! Each operation, and each of its refusals.

use super::super::operations::{self, Progress, Reset};
use super::*;
use xenolith_abi::errno;

/// Connects a new port of domain 1 to a new port of `remote`.
fn connected(domains: &mut TestDomains, remote: DomId) -> (Port, Port) {
    let far = domains.of(remote).0.alloc_unbound(ONE).unwrap();
    let end = End { domain: remote, port: far };
    let (near, _) = operations::bind_interdomain(domains, ONE, end).unwrap();
    (near, far)
}

#[test]
fn refusals_are_xens_error_numbers() {
    for (error, number) in [
        (Error::NoDomain, errno::ESRCH),
        (Error::NoVcpu, errno::ENOENT),
        (Error::Invalid, errno::EINVAL),
        (Error::Bound, errno::EEXIST),
        (Error::Full, errno::ENOSPC),
        (Error::Denied, errno::EPERM),
        (Error::Busy, errno::EBUSY),
        (Error::Again, errno::EAGAIN),
    ] {
        assert_eq!(error.errno(), number);
    }
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes under Miri")]
fn ports_are_allocated_for_anyone_to_connect() {
    let mut domains = TestDomains::new();
    for (port, remote, waits_for) in
        [(1, SELF, ONE), (2, ONE, ONE), (3, TWO, TWO), (4, NOBODY, NOBODY), (5, DomId(0), DomId(0))]
    {
        assert_eq!(operations::alloc_unbound(&mut domains, ONE, SELF, remote), Ok(Port(port)));
        assert_eq!(domains.binding(ONE, Port(port)), Binding::Unbound(waits_for));
    }
    assert_eq!(operations::alloc_unbound(&mut domains, ONE, ONE, TWO), Ok(Port(6)));
    for (domain, error) in
        [(NOBODY, Error::NoDomain), (DomId(0x7ff1), Error::NoDomain), (TWO, Error::Denied)]
    {
        assert_eq!(operations::alloc_unbound(&mut domains, ONE, domain, ONE), Err(error));
    }
    assert_eq!(domains.of(TWO).0.ports().in_use(), 0);
    domains.fill(TWO);
    assert_eq!(operations::alloc_unbound(&mut domains, ONE, TWO, ONE), Err(Error::Full));
    assert_eq!(operations::alloc_unbound(&mut domains, TWO, SELF, ONE), Err(Error::Full));
}

#[test]
fn connected_ports_know_each_other_and_have_an_event() {
    for remote in [ONE, TWO] {
        let mut domains = TestDomains::new();
        let (near, far) = connected(&mut domains, remote);
        let [near_end, far_end] =
            [End { domain: ONE, port: near }, End { domain: remote, port: far }];
        assert_eq!(domains.binding(ONE, near), Binding::Interdomain(far_end));
        assert_eq!(domains.binding(remote, far), Binding::Interdomain(near_end));
        assert!(domains.is_pending(ONE, near));
        assert!(!domains.is_pending(remote, far));
    }
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes under Miri")]
fn connecting_is_refused_to_all_but_who_is_waited_for() {
    let mut domains = TestDomains::new();
    let (_, taken) = connected(&mut domains, TWO);
    let others = domains.of(TWO).0.alloc_unbound(NOBODY).unwrap();
    let ipi = domains.of(TWO).0.bind_ipi(CPU_0).unwrap();
    let before = domains.of(ONE).0.ports().in_use();
    for (domain, port, error) in [
        (NOBODY, Port(1), Error::NoDomain),
        (DomId(0), Port(1), Error::NoDomain),
        (TWO, taken, Error::Invalid),
        (TWO, others, Error::Invalid),
        (TWO, ipi, Error::Invalid),
        (TWO, Port(0), Error::Invalid),
        (TWO, Port(9), Error::Invalid),
        (TWO, Port(4095), Error::Invalid),
        (TWO, Port(4096), Error::Invalid),
        (TWO, Port(u32::MAX), Error::Invalid),
        // This is the port that it would get itself.
        (SELF, Port(2), Error::Invalid),
    ] {
        let result = operations::bind_interdomain(&mut domains, ONE, End { domain, port });
        assert_eq!(result, Err(error), "{domain:?} {port:?}");
    }
    assert_eq!(domains.of(ONE).0.ports().in_use(), before);
    let waits = domains.of(TWO).0.alloc_unbound(ONE).unwrap();
    domains.fill(ONE);
    let end = End { domain: TWO, port: waits };
    assert_eq!(operations::bind_interdomain(&mut domains, ONE, end), Err(Error::Full));
    assert_eq!(domains.binding(TWO, waits), Binding::Unbound(ONE));
}

#[test]
fn virtual_interrupts_are_bound_once_and_global_ones_on_vcpu_0() {
    let (mut channels, _) = channels(ONE);
    let per_vcpu = [0, 1, 7, 13];
    for virq in 0..24 {
        let on_1 = if per_vcpu.contains(&virq) { Ok(()) } else { Err(Error::Invalid) };
        let bound = channels.bind_virq(Virq(virq), CPU_0).unwrap();
        assert_eq!(channels.virq_port(Virq(virq), CPU_0), Some(bound));
        assert_eq!(channels.bind_virq(Virq(virq), CPU_0), Err(Error::Bound), "{virq}");
        assert_eq!(channels.bind_virq(Virq(virq), CPU_1).map(|_| ()), on_1, "{virq}");
    }
    for (virq, vcpu, error) in [
        (24, 0, Error::Invalid),
        (u32::MAX, 0, Error::Invalid),
        (24, 9, Error::Invalid),
        (2, 9, Error::Invalid),
        (0, 2, Error::NoVcpu),
        (0, u32::MAX, Error::NoVcpu),
        (0, 1, Error::Bound),
    ] {
        assert_eq!(channels.bind_virq(Virq(virq), VcpuId(vcpu)), Err(error), "{virq} {vcpu}");
    }
}

#[test]
fn a_closed_virtual_interrupt_can_be_bound_again() {
    let mut domains = TestDomains::new();
    let timer = domains.of(ONE).0.bind_virq(Virq(0), CPU_1).unwrap();
    let console = domains.of(ONE).0.bind_virq(Virq(2), CPU_0).unwrap();
    domains.of(ONE).0.bind_vcpu(console, CPU_1).unwrap();
    for (port, virq, vcpu) in [(timer, Virq(0), CPU_1), (console, Virq(2), CPU_0)] {
        operations::close(&mut domains, ONE, port).unwrap();
        assert_eq!(domains.of(ONE).0.virq_port(virq, vcpu), None);
        assert_eq!(domains.of(ONE).0.bind_virq(virq, vcpu), Ok(port));
    }
}

#[test]
fn events_within_a_domain_need_a_vcpu() {
    let (mut channels, _) = channels(ONE);
    assert_eq!(channels.bind_ipi(CPU_1), Ok(Port(1)));
    assert_eq!(channels.ports().record(Port(1)).unwrap().vcpu(), CPU_1);
    for vcpu in [2, 32, u32::MAX] {
        assert_eq!(channels.bind_ipi(VcpuId(vcpu)), Err(Error::NoVcpu));
    }
}

#[test]
fn only_ports_without_a_vcpu_of_their_own_move() {
    let mut domains = TestDomains::new();
    let (near, far) = connected(&mut domains, ONE);
    let (channels, _) = domains.of(ONE);
    let unbound = channels.alloc_unbound(TWO).unwrap();
    let console = channels.bind_virq(Virq(2), CPU_0).unwrap();
    let service = channels.bind_service(Service::Console).unwrap();
    for port in [near, far, unbound, console, service] {
        let before = channels.ports().record(port).unwrap().binding();
        assert_eq!(channels.bind_vcpu(port, CPU_1), Ok(()));
        let record = channels.ports().record(port).unwrap();
        assert_eq!((record.binding(), record.vcpu()), (before, CPU_1));
        assert_eq!(channels.bind_vcpu(port, VcpuId(2)), Err(Error::NoVcpu));
    }
    let timer = channels.bind_virq(Virq(0), CPU_0).unwrap();
    let ipi = channels.bind_ipi(CPU_0).unwrap();
    for port in [timer, ipi, Port(0), Port(40), Port(4095), Port(4096), Port(u32::MAX)] {
        assert_eq!(channels.bind_vcpu(port, CPU_0), Err(Error::Invalid), "{port:?}");
        assert_eq!(channels.bind_vcpu(port, VcpuId(2)), Err(Error::NoVcpu), "{port:?}");
    }
}

#[test]
fn closing_forgets_the_event_and_leaves_the_peer_waiting() {
    for remote in [ONE, TWO] {
        let mut domains = TestDomains::new();
        let (near, far) = connected(&mut domains, remote);
        domains.of(remote).0.bind_vcpu(far, CPU_1).unwrap();
        operations::close(&mut domains, ONE, near).unwrap();
        assert_eq!(domains.binding(ONE, near), Binding::Free);
        assert!(!domains.is_pending(ONE, near));
        let record = domains.of(remote).0.ports().record(far).unwrap();
        assert_eq!((record.binding(), record.vcpu()), (Binding::Unbound(ONE), CPU_1));
        assert_eq!(operations::send(&mut domains, remote, far), Ok(Notify::Nobody));
        let end = End { domain: remote, port: far };
        assert!(operations::bind_interdomain(&mut domains, ONE, end).is_ok());
    }
}

#[test]
fn a_port_not_in_use_is_neither_closed_nor_sent_through() {
    let mut domains = TestDomains::new();
    let timer = domains.of(ONE).0.bind_virq(Virq(0), CPU_0).unwrap();
    let console = domains.of(ONE).0.bind_virq(Virq(2), CPU_0).unwrap();
    for port in [timer, console, Port(0), Port(40), Port(4095), Port(4096), Port(u32::MAX)] {
        assert_eq!(operations::send(&mut domains, ONE, port), Err(Error::Invalid), "{port:?}");
    }
    for port in [Port(0), Port(40), Port(4095), Port(4096), Port(u32::MAX)] {
        assert_eq!(operations::close(&mut domains, ONE, port), Err(Error::Invalid), "{port:?}");
    }
}

#[test]
fn events_go_to_the_far_end() {
    let mut domains = TestDomains::new();
    let (near, far) = connected(&mut domains, TWO);
    domains.of(TWO).0.bind_vcpu(far, CPU_1).unwrap();
    assert_eq!(operations::send(&mut domains, ONE, near), Ok(vcpus(TWO, [CPU_1])));
    assert!(domains.is_pending(TWO, far));
    assert_eq!(operations::send(&mut domains, ONE, near), Ok(Notify::Nobody), "pending already");
    let ipi = domains.of(TWO).0.bind_ipi(CPU_0).unwrap();
    assert_eq!(operations::send(&mut domains, TWO, ipi), Ok(vcpus(TWO, [CPU_0])));
    let unbound = domains.of(TWO).0.alloc_unbound(ONE).unwrap();
    assert_eq!(operations::send(&mut domains, TWO, unbound), Ok(Notify::Nobody));
    assert!(!domains.is_pending(TWO, unbound));
}

#[test]
fn services_hear_what_is_sent_to_them() {
    let mut domains = TestDomains::new();
    let (channels, memory) = domains.of(ONE);
    let store = channels.bind_service(Service::Store).unwrap();
    let console = channels.bind_service(Service::Console).unwrap();
    assert_eq!(channels.raise_service(memory, Service::Console), vcpus(ONE, [CPU_0]));
    assert!(domains.is_pending(ONE, console) && !domains.is_pending(ONE, store));
    let heard = Notify::Service(ONE, Service::Console);
    assert_eq!(operations::send(&mut domains, ONE, console), Ok(heard));
    operations::close(&mut domains, ONE, console).unwrap();
    let (channels, memory) = domains.of(ONE);
    assert_eq!(channels.service_port(Service::Console), None);
    assert_eq!(channels.service_port(Service::Store), Some(store));
    assert_eq!(channels.raise_service(memory, Service::Console), Notify::Nobody);
}

#[test]
fn a_service_connects_to_a_port_that_waits_for_domain_0() {
    let mut domains = TestDomains::new();
    let (channels, memory) = domains.of(ONE);
    let zero = Service::Block.end().domain;
    let [first, second] = [0, 1].map(|_| channels.alloc_unbound(zero).unwrap());
    let other = channels.alloc_unbound(TWO).unwrap();
    for port in [other, Port(0), Port(9), Port(4096)] {
        assert_eq!(channels.connect_service(port, Service::Block), Err(Error::Invalid));
    }
    assert_eq!(channels.connect_service(first, Service::Block), Ok(()));
    assert_eq!(channels.connect_service(first, Service::Block), Err(Error::Invalid), "connected");
    assert_eq!(channels.raise_service(memory, Service::Block), vcpus(ONE, [CPU_0]));
    let heard = Notify::Service(ONE, Service::Block);
    assert_eq!(operations::send(&mut domains, ONE, first), Ok(heard));
    let (channels, _) = domains.of(ONE);
    assert_eq!(channels.connect_service(second, Service::Block), Ok(()));
    assert_eq!(domains.binding(ONE, first), Binding::Unbound(zero), "its place is taken");
    let (channels, memory) = domains.of(ONE);
    channels.disconnect_service(Service::Block);
    channels.disconnect_service(Service::Block);
    assert_eq!(channels.raise_service(memory, Service::Block), Notify::Nobody);
    assert_eq!(domains.binding(ONE, second), Binding::Unbound(zero));
    assert_eq!(operations::send(&mut domains, ONE, second), Ok(Notify::Nobody));
}

#[test]
fn status_is_for_ports_of_ones_own() {
    let mut domains = TestDomains::new();
    let unbound = domains.of(ONE).0.alloc_unbound(TWO).unwrap();
    for domain in [SELF, ONE] {
        let record = operations::status(&mut domains, ONE, domain, unbound).unwrap();
        assert_eq!(record.binding(), Binding::Unbound(TWO));
    }
    for (domain, port, error) in [
        (NOBODY, unbound, Error::NoDomain),
        (TWO, unbound, Error::Denied),
        (TWO, Port(4096), Error::Invalid),
        (SELF, Port(64), Error::Invalid),
        (SELF, Port(u32::MAX), Error::Invalid),
    ] {
        assert_eq!(operations::status(&mut domains, ONE, domain, port), Err(error));
    }
    assert!(operations::status(&mut domains, ONE, SELF, Port(0)).is_ok());
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes under Miri")]
fn reset_closes_all_ports_in_pieces() {
    let mut domains = TestDomains::new();
    let (near, far) = connected(&mut domains, TWO);
    domains.of(ONE).0.bind_virq(Virq(0), CPU_1).unwrap();
    domains.fill(ONE);
    let mut pieces = 1;
    let mut reset = Reset::Begin;
    while operations::reset(&mut domains, ONE, SELF, reset) == Ok(Progress::Unfinished) {
        let again = operations::reset(&mut domains, ONE, ONE, Reset::Begin);
        assert_eq!(again, Err(Error::Busy));
        pieces += 1;
        reset = Reset::Resume;
    }
    assert_eq!(pieces, 256);
    assert_eq!(domains.of(ONE).0.ports().in_use(), 0);
    assert!(!domains.is_pending(ONE, near));
    assert_eq!(domains.of(ONE).0.virq_port(Virq(0), CPU_1), None);
    assert_eq!(domains.binding(TWO, far), Binding::Unbound(ONE));
    assert_eq!(operations::reset(&mut domains, ONE, ONE, Reset::Begin), Ok(Progress::Done));
}

#[test]
fn reset_is_refused_for_others_and_out_of_turn() {
    let mut domains = TestDomains::new();
    for (domain, reset, error) in [
        (NOBODY, Reset::Begin, Error::NoDomain),
        (TWO, Reset::Begin, Error::Denied),
        (SELF, Reset::Resume, Error::Busy),
    ] {
        assert_eq!(operations::reset(&mut domains, ONE, domain, reset), Err(error));
    }
    domains.fill(ONE);
    let mut progress = operations::reset(&mut domains, ONE, SELF, Reset::Begin);
    domains.of(ONE).0.alloc_unbound(TWO).unwrap();
    while progress == Ok(Progress::Unfinished) {
        progress = operations::reset(&mut domains, ONE, SELF, Reset::Resume);
    }
    assert_eq!(progress, Err(Error::Again), "a port was bound behind its back");
    assert_eq!(operations::reset(&mut domains, ONE, SELF, Reset::Begin), Ok(Progress::Done));
}
