use super::super::Outcome::Return;
use super::super::test_machine::{Caller, MISSING};
use crate::event_channel::Port;
use crate::guest_access::test_space::BASE;
use crate::steps::Arrival;
use xenolith_abi::errno::{EFAULT, EINVAL, ENOSYS, EOPNOTSUPP, EPERM};
use xenolith_abi::event_channel::{BIND_IPI, BindIpi};
use xenolith_abi::hypercall::EVENT_CHANNEL_OP;
use xenolith_abi::xenolith::{EVENT_AFTER, EVENT_ARRIVAL, MAX_EVENT_TICKS, OP};

#[test]
fn as_many_counts_are_written_as_fit() {
    for (slots, written) in
        [(0, 0), (1, 1), (79, 79), (80, 80), (81, 80), (1 << 32, 80), (u64::MAX, 80)]
    {
        let mut caller = Caller::new();
        caller.put(BASE, &[0xee_u8; 1024]);
        let want = i64::try_from(written).unwrap();
        assert_eq!(caller.call(OP, &[0, BASE, slots]), Return(want), "{slots:#x}");
        let found: [u64; 128] = caller.take(BASE);
        let count = |slot: u64| if slot < written { 100 + slot } else { 0xeeee_eeee_eeee_eeee };
        assert!(found.into_iter().eq((0..128).map(count)), "{slots:#x}");
    }
}

#[test]
fn a_machine_with_fewer_counts_tells_those() {
    let mut caller = Caller::new();
    caller.machine.exits = vec![5, 6];
    assert_eq!(caller.call(OP, &[0, BASE, 80]), Return(2));
    assert_eq!(caller.take::<[u64; 3]>(BASE), [5, 6, 0]);
}

#[test]
fn only_what_is_written_has_to_be_mapped() {
    let mut caller = Caller::new();
    assert_eq!(caller.call(OP, &[0, 0, 0]), Return(0), "no slot, no pointer");
    assert_eq!(caller.call(OP, &[0, MISSING - 640, u64::MAX]), Return(80));
    assert_eq!(caller.call(OP, &[0, MISSING - 639, 80]), Return(-EFAULT));
    assert_eq!(caller.call(OP, &[0, MISSING - 639, 79]), Return(79));
}

#[test]
fn operations_are_32_bits_wide() {
    assert_eq!(Caller::new().call(OP, &[1 << 32, BASE, 3]), Return(3));
    for operation in [3, 0xffff_ffff, 1 << 32 | 3] {
        assert_eq!(Caller::new().call(OP, &[operation, BASE, 3]), Return(-ENOSYS));
    }
}

const AFTER: u64 = EVENT_AFTER as u64;
const MAX_TICKS: u64 = MAX_EVENT_TICKS as u64;
const ARRIVAL: u64 = EVENT_ARRIVAL as u64;

/// A caller that may have its ticks counted, with a port.
fn stepping() -> (Caller, u64) {
    let mut caller = Caller::new();
    caller.domain.may_step = true;
    caller.put(BASE, &BindIpi { vcpu: 0, port: 0 });
    assert_eq!(caller.call(EVENT_CHANNEL_OP, &[BIND_IPI.into(), BASE]), Return(0));
    let port = caller.take::<BindIpi>(BASE).port;
    (caller, port.into())
}

#[test]
fn nobody_counts_ticks_unasked() {
    let (mut caller, port) = stepping();
    caller.domain.may_step = false;
    for (operation, argument) in [(AFTER, port), (ARRIVAL, BASE)] {
        assert_eq!(caller.call(OP, &[operation, argument, 1]), Return(-EPERM));
    }
    caller.domain.may_step = true;
    caller.machine.can_step = false;
    assert_eq!(caller.call(OP, &[AFTER, port, 1]), Return(-EOPNOTSUPP));
    assert_eq!(caller.vcpu.steps.expire(|| Arrival { rip: 0, mask: 9 }), None);
}

#[test]
fn counts_and_ports_are_checked() {
    let (mut caller, port) = stepping();
    for (port, ticks) in
        [(port, 0), (port, MAX_TICKS + 1), (port, 1 << 32), (0, 1), (port + 1, 1), (4096, 1)]
    {
        assert_eq!(caller.call(OP, &[AFTER, port, ticks]), Return(-EINVAL), "{port:#x}");
        assert_eq!(caller.machine.ticks, None);
    }
    for ticks in [1, MAX_TICKS] {
        assert_eq!(caller.call(OP, &[AFTER, 1 << 32 | port, ticks]), Return(0));
        assert_eq!(caller.machine.ticks.map(u64::from), Some(ticks));
    }
}

#[test]
fn an_arrival_is_told_once() {
    let (mut caller, port) = stepping();
    let number = u32::try_from(port).unwrap();
    assert_eq!(caller.call(OP, &[ARRIVAL, BASE]), Return(0), "nothing was begun");
    assert_eq!(caller.call(OP, &[AFTER, port, 2]), Return(0));
    assert_eq!(caller.vcpu.steps.expire(|| Arrival { rip: 6, mask: 9 }), Some(Port(number)));
    assert_eq!(caller.call(OP, &[ARRIVAL, BASE]), Return(1));
    assert_eq!(caller.take::<[u64; 3]>(BASE), [6, caller.domain.hole.text().0, 9]);
    assert_eq!(caller.machine.ticks, None);
    assert_eq!(caller.call(OP, &[ARRIVAL, MISSING]), Return(0), "it was told");
    assert_eq!(caller.call(OP, &[AFTER, port, 2]), Return(0));
    assert_eq!(caller.call(OP, &[ARRIVAL, MISSING]), Return(0), "it has not come");
    assert_eq!(caller.vcpu.steps.expire(|| Arrival { rip: 7, mask: 9 }), None, "and does not come");
}
