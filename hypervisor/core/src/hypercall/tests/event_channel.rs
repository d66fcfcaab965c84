use super::super::Outcome;
use super::super::test_machine::{BEHIND_HOLE, Caller, DOMAIN, IN_HOLE, MISSING, READ_ONLY};
use crate::address::{DomId, VcpuId};
use crate::event_channel::{Notify, Port, Service, VcpuSet};
use crate::guest_access::test_space::BASE;
use xenolith_abi::errno::{EBUSY, EEXIST, EFAULT, EINVAL, ENOENT, ENOSYS, EPERM, ESRCH};
use xenolith_abi::event_channel as abi;
use xenolith_abi::hypercall::EVENT_CHANNEL_OP;

const SELF: u16 = xenolith_abi::domain::SELF;

/// Makes a call with 24 bytes of argument, and returns the result and what they have become.
fn run(caller: &mut Caller, command: u32, words: &[u32]) -> (i64, [u32; 6]) {
    let mut argument = [0xdead_beef; 6];
    argument[..words.len()].copy_from_slice(words);
    caller.put(BASE, &argument);
    match caller.call(EVENT_CHANNEL_OP, &[u64::from(command), BASE]) {
        Outcome::Return(value) => (value, caller.take(BASE)),
        other => panic!("it returns: {other:?}"),
    }
}

fn result(caller: &mut Caller, command: u32, words: &[u32]) -> i64 {
    run(caller, command, words).0
}

const fn pair(low: u16, high: u16) -> u32 {
    low as u32 | (high as u32) << 16
}

#[test]
fn operations_give_back_their_ports() {
    let mut caller = Caller::new();
    let own = u32::from(SELF);
    let (value, out) = run(&mut caller, abi::ALLOC_UNBOUND, &[pair(SELF, SELF), 0]);
    assert_eq!((value, out[1]), (0, 1));
    let (value, out) = run(&mut caller, abi::BIND_INTERDOMAIN, &[own, 1, 0]);
    assert_eq!((value, out[2]), (0, 2));
    let (value, out) = run(&mut caller, abi::BIND_VIRQ, &[abi::VIRQ_TIMER, 0, 0]);
    assert_eq!((value, out[2]), (0, 3));
    let (value, out) = run(&mut caller, abi::BIND_IPI, &[0, 0]);
    assert_eq!((value, out[1]), (0, 4));
    assert_eq!(out[2..], [0xdead_beef; 4], "nothing behind the argument is written");
    for (command, words) in [
        (abi::BIND_VCPU, [1, 0]),
        (abi::SEND, [4, 0]),
        (abi::UNMASK, [4, 0]),
        (abi::CLOSE, [3, 0]),
        (abi::RESET, [own, 0]),
    ] {
        assert_eq!(result(&mut caller, command, &words), 0, "{command}");
    }
}

#[test]
fn status_tells_the_state() {
    let mut caller = Caller::new();
    run(&mut caller, abi::ALLOC_UNBOUND, &[pair(SELF, 5), 0]);
    run(&mut caller, abi::ALLOC_UNBOUND, &[pair(SELF, SELF), 0]);
    run(&mut caller, abi::BIND_INTERDOMAIN, &[u32::from(SELF), 2, 0]);
    run(&mut caller, abi::BIND_VIRQ, &[abi::VIRQ_CONSOLE, 0, 0]);
    run(&mut caller, abi::BIND_IPI, &[0, 0]);
    caller.machine.channels.bind_service(Service::Console).unwrap();
    let old = 0xdead_beef;
    let domain = |number: u16| pair(number, 0xdead);
    for (port, status, detail) in [
        (0, abi::STATUS_CLOSED, [old, old]),
        (1, abi::STATUS_UNBOUND, [domain(5), old]),
        (2, abi::STATUS_INTERDOMAIN, [domain(DOMAIN), 3]),
        (3, abi::STATUS_INTERDOMAIN, [domain(DOMAIN), 2]),
        (4, abi::STATUS_VIRQ, [abi::VIRQ_CONSOLE, old]),
        (5, abi::STATUS_IPI, [old, old]),
        (6, abi::STATUS_INTERDOMAIN, [domain(0), 1]),
        (63, abi::STATUS_CLOSED, [old, old]),
    ] {
        let (value, out) = run(&mut caller, abi::STATUS, &[u32::from(SELF), port]);
        assert_eq!(value, 0, "{port}");
        assert_eq!(out, [u32::from(SELF), port, status, 0, detail[0], detail[1]], "{port}");
    }
}

#[test]
fn misuse_has_xens_error_numbers() {
    let mut caller = Caller::new();
    run(&mut caller, abi::BIND_VIRQ, &[abi::VIRQ_TIMER, 0, 0]);
    let own = u32::from(SELF);
    for (command, words, error) in [
        (abi::ALLOC_UNBOUND, [pair(0, SELF), 0, 0], ESRCH),
        (abi::ALLOC_UNBOUND, [pair(0x7ff1, SELF), 0, 0], ESRCH),
        (abi::BIND_INTERDOMAIN, [0, 1, 0], ESRCH),
        (abi::BIND_INTERDOMAIN, [own, 1, 0], EINVAL),
        (abi::BIND_INTERDOMAIN, [own, u32::MAX, 0], EINVAL),
        (abi::BIND_VIRQ, [24, 0, 0], EINVAL),
        (abi::BIND_VIRQ, [abi::VIRQ_CONSOLE, 1, 0], EINVAL),
        (abi::BIND_VIRQ, [abi::VIRQ_DEBUG, 1, 0], ENOENT),
        (abi::BIND_VIRQ, [abi::VIRQ_TIMER, 0, 0], EEXIST),
        (abi::BIND_PIRQ, [0, 0, 0], EPERM),
        (abi::BIND_PIRQ, [55, 1, 0], EPERM),
        (abi::BIND_PIRQ, [56, 0, 0], EINVAL),
        (abi::BIND_PIRQ, [u32::MAX, 0, 0], EINVAL),
        (abi::BIND_IPI, [1, 0, 0], ENOENT),
        (abi::BIND_VCPU, [1, 0, 0], EINVAL),
        (abi::BIND_VCPU, [1, 1, 0], ENOENT),
        (abi::CLOSE, [9, 0, 0], EINVAL),
        (abi::CLOSE, [4096, 0, 0], EINVAL),
        (abi::SEND, [1, 0, 0], EINVAL),
        (abi::SEND, [0, 0, 0], EINVAL),
        (abi::UNMASK, [64, 0, 0], EINVAL),
        (abi::STATUS, [own, 64, 0], EINVAL),
        (abi::STATUS, [0, 1, 0], ESRCH),
        (abi::RESET, [0, 0, 0], ESRCH),
        (14, [own, 0, 0], EBUSY),
        (abi::INIT_CONTROL, [0, 0, 0], ENOSYS),
        (abi::EXPAND_ARRAY, [0, 0, 0], ENOSYS),
        (abi::SET_PRIORITY, [1, 0, 0], ENOSYS),
        (15, [0, 0, 0], ENOSYS),
        (u32::MAX, [0, 0, 0], ENOSYS),
    ] {
        let (value, out) = run(&mut caller, command, &words);
        assert_eq!(value, -error, "{command} {words:x?}");
        assert_eq!(out[..3], words, "{command} {words:x?}: nothing is written back");
    }
}

#[test]
fn arguments_that_cannot_be_read_are_faults() {
    let mut caller = Caller::new();
    for command in (abi::BIND_INTERDOMAIN..=abi::RESET).chain([14]) {
        for at in [MISSING, MISSING - 1, IN_HOLE, 1 << 47] {
            let outcome = caller.call(EVENT_CHANNEL_OP, &[u64::from(command), at]);
            assert_eq!(outcome, Outcome::Return(-EFAULT), "{command} {at:#x}");
        }
    }
    assert_eq!(caller.machine.channels.ports().in_use(), 0);
    caller.put(BEHIND_HOLE, &0u64);
    let outcome = caller.call(EVENT_CHANNEL_OP, &[u64::from(abi::BIND_IPI), BEHIND_HOLE]);
    assert_eq!(outcome, Outcome::Return(0));
}

#[test]
fn a_port_that_cannot_be_told_is_in_use_all_the_same() {
    let mut caller = Caller::new();
    let outcome = caller.call(EVENT_CHANNEL_OP, &[u64::from(abi::BIND_IPI), READ_ONLY]);
    assert_eq!(outcome, Outcome::Return(-EFAULT));
    assert_eq!(caller.machine.channels.ports().in_use(), 1);
}

#[test]
fn who_is_to_be_woken_is_told_to_the_machine() {
    let mut caller = Caller::new();
    let console = caller.machine.channels.bind_service(Service::Console).unwrap();
    run(&mut caller, abi::BIND_IPI, &[0, 0]);
    assert_eq!(result(&mut caller, abi::SEND, &[2]), 0);
    assert_eq!(result(&mut caller, abi::SEND, &[2]), 0);
    assert_eq!(result(&mut caller, abi::SEND, &[console.0]), 0);
    let id = DomId(DOMAIN);
    let mut told = caller.machine.notified.clone();
    told.retain(|notify| *notify != Notify::Nobody);
    let woken = Notify::Vcpus(id, VcpuSet::EMPTY.with(VcpuId(0)));
    assert_eq!(told, [woken, Notify::Service(id, Service::Console)]);
}

#[test]
fn a_reset_goes_on_until_all_is_closed() {
    let mut caller = Caller::new();
    while caller.machine.channels.bind_ipi(VcpuId(0)).is_ok() {}
    caller.put(BASE, &u32::from(SELF));
    let mut args = [u64::from(abi::RESET), BASE, 3, 4, 5];
    let mut pieces = 1;
    caller.machine.units = 0;
    while let Outcome::Continue(rest) = caller.call_all(EVENT_CHANNEL_OP.into(), &args) {
        assert_eq!(rest, [14, BASE, 3, 4, 5]);
        args = rest;
        pieces += 1;
    }
    assert_eq!(pieces, 256);
    let ports = caller.machine.channels.ports();
    assert_eq!(ports.in_use(), 0);
    assert!(ports.record(Port(4095)).is_ok(), "ports do not cease to exist");
}
