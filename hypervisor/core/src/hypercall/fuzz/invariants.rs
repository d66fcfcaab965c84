//! What holds whatever a guest asks for.

use super::super::dispatch::NO_RESTART;
use super::super::test_machine::{Caller, DOMAIN, Flush, MEMORY_PAGES};
use super::super::{Args, Outcome, Pause, Then};
use crate::address::{DomId, Gfn, Gpa, Gva, PAGE_SIZE, VcpuId, to_u64};
use crate::event_channel::{Binding, End, PORTS, Port, PortRecord, Service, Virq};
use crate::guest_access::is_reachable;
use xenolith_abi::event_channel::NR_VIRQS;

const VCPU: VcpuId = VcpuId(0);

/// Checks what a call came to.
pub(super) fn check_outcome(caller: &Caller, number: u64, outcome: Outcome) {
    let restarts = matches!(outcome, Outcome::Continue(_) | Outcome::Pause(_, Then::Continue(_)));
    assert!(number & NO_RESTART == 0 || !restarts, "a restart that was not wanted");
    if matches!(outcome, Outcome::Block | Outcome::Pause(Pause::Block, _)) {
        let machine = &caller.machine;
        assert!(!machine.channels.has_deliverable(&machine.memory, VCPU), "it sleeps for ever");
    }
}

/// Checks that a call which is cut with the arguments that it had goes on all the same.
pub(super) fn check_progress(caller: &mut Caller, number: u64, args: &Args, units: u32) {
    let before = (caller.machine.memory.clone(), state(caller));
    caller.machine.units = units;
    caller.machine.queues.output.consume(super::LINE_BYTES);
    let outcome = caller.call_all(number, args);
    let same = matches!(outcome, Outcome::Continue(left) | Outcome::Again(left) if left == *args);
    assert!(!same || before != (caller.machine.memory.clone(), state(caller)), "it does not end");
}

/// What may tell that something was done, beside memory.
fn state(caller: &mut Caller) -> impl PartialEq + use<> {
    let machine = &mut caller.machine;
    let frames = &machine.frames;
    let (ports, pages) = (machine.channels.ports().in_use(), (frames.owned(), frames.dirty()));
    let done = (machine.flushed.len(), machine.queues.output.room());
    (ports, pages, done, caller.domain.clone(), caller.vcpu.clone())
}

/// Checks what a step has done to the machine, and forgets it.
pub(super) fn check_step(caller: &mut Caller) {
    let Caller { domain, machine, .. } = caller;
    let ranges = domain.hole.ranges();
    for (at, bytes) in machine.published.drain(..) {
        let end = at.0 + to_u64(bytes.len());
        let within = |start: Gpa, bytes: u64| start <= at && end <= start.0 + bytes;
        assert!(ranges.iter().any(|range| within(range.start, range.bytes)), "{at:?} to {end:#x}");
    }
    for (base, address) in machine.bases.drain(..) {
        assert!(address.is_canonical(), "{base:?} {address:?}");
    }
    for flush in machine.flushed.drain(..) {
        if let Flush::Table(table) = flush {
            assert!(table.is_aligned(PAGE_SIZE) && table.gfn().0 < domain.max_gfn, "{table:?}");
        }
    }
    assert!(machine.sysenter.is_none_or(|to| to.rip.is_canonical() && to.rsp.is_canonical()));
    assert!(machine.ldt.is_none_or(|(base, count)| base.is_canonical() && count <= 8192));
    assert!(machine.debug[..4].iter().all(|at| is_reachable(Gva(*at))));
    assert!(machine.debug.iter().skip(6).all(|value| u32::try_from(*value).is_ok()));
    machine.armed.clear();
    machine.notified.clear();
    machine.logged.clear();
}

/// Checks the domain as it is now.
pub(super) fn check(caller: &Caller) {
    check_ports(caller);
    check_frames(caller);
    let at = caller.machine.channels.vcpu_info(VCPU);
    let shared = caller.domain.shared_info.gfn();
    assert!(at.is_aligned(8) && at.page_offset() <= PAGE_SIZE - 64, "{at:?}");
    assert!(at.gfn() == shared || at.gfn().0 < MEMORY_PAGES, "{at:?}");
}

/// Ports are bound at both ends or at none, and are all counted.
fn check_ports(caller: &Caller) {
    let channels = &caller.machine.channels;
    let binding =
        |port: Port| channels.ports().record(port).map_or(Binding::Free, PortRecord::binding);
    let mut in_use = 0;
    for number in 1..u32::try_from(PORTS).expect("few") {
        let port = Port(number);
        match binding(port) {
            Binding::Free => continue,
            Binding::Reserved => panic!("{port:?} is left half made"),
            Binding::Interdomain(end) => {
                assert_eq!(end.domain, DomId(DOMAIN));
                let back = Binding::Interdomain(End { domain: end.domain, port });
                assert_eq!(binding(end.port), back, "{port:?}");
            }
            Binding::Virq(virq) => assert_eq!(channels.virq_port(virq, VCPU), Some(port)),
            Binding::Service(service) => assert_eq!(channels.service_port(service), Some(port)),
            Binding::Unbound(_) | Binding::Ipi => {}
        }
        in_use += 1;
    }
    assert_eq!(in_use, channels.ports().in_use());
    for virq in (0..NR_VIRQS).map(Virq) {
        if let Some(port) = channels.virq_port(virq, VCPU) {
            assert_eq!(binding(port), Binding::Virq(virq));
        }
    }
    for service in Service::ALL {
        if let Some(port) = channels.service_port(service) {
            assert_eq!(binding(port), Binding::Service(service));
        }
    }
}

/// A frame is the domain's or out of its reach.
fn check_frames(caller: &Caller) {
    let machine = &caller.machine;
    for gfn in 0..MEMORY_PAGES {
        let unmapped = machine.unmapped.contains(&gfn);
        assert_ne!(machine.frames.owns(Gfn(gfn)), unmapped, "frame {gfn:#x}");
    }
    assert!(machine.unmapped.iter().all(|gfn| *gfn < MEMORY_PAGES));
    assert_eq!(machine.frames.owned(), MEMORY_PAGES - to_u64(machine.unmapped.len()));
}
