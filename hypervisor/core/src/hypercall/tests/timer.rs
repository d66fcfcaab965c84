use super::super::Outcome::{Block, Poll, Return};
use super::super::test_machine::{Caller, MISSING};
use super::super::{Call, in_brief, is_short};
use crate::address::{Gpa, Gva, VcpuId};
use crate::event_channel::{PollFor, Port};
use crate::guest_access::Access;
use crate::guest_access::test_space::BASE;
use crate::guest_memory::GuestMemory;
use xenolith_abi::errno::{EBUSY, EFAULT, EINVAL, ENOENT, ENOSYS, ENXIO, ETIME};
use xenolith_abi::hypercall::{SCHED_OP, SET_TIMER_OP, VCPU_OP};

const SET_SINGLE: u64 = 8;

#[test]
fn one_shots_in_the_past_are_errors_with_the_flag_only() {
    for (deadline, flags, result, armed) in [
        (1000, 0, 0, Some(1000)),
        (999, 0, 0, Some(999)),
        (999, 1, -ETIME, None),
        (1000, 1, 0, Some(1000)),
        (1001, 1, 0, Some(1001)),
        (0, 2, 0, Some(0)),
        (u64::MAX, 0, 0, Some(0)),
    ] {
        let mut caller = Caller::new();
        caller.machine.now_ns = 1000;
        caller.put(BASE, &[deadline, flags]);
        assert_eq!(caller.call(VCPU_OP, &[SET_SINGLE, 0, BASE]), Return(result), "{deadline}");
        assert_eq!(caller.machine.armed.last().copied(), armed, "{deadline} {flags}");
    }
}

#[test]
fn set_timer_op_takes_what_is_near() {
    for (deadline, armed) in [
        (0, None),
        (1, Some(1)),
        (1 << 49, Some(1 << 49)),
        (1000 + (1 << 50), Some(100_001_000)),
        (u64::MAX, Some(100_001_000)),
    ] {
        let mut caller = Caller::new();
        caller.machine.now_ns = 1000;
        assert_eq!(caller.call(SET_TIMER_OP, &[deadline]), Return(0));
        assert_eq!(caller.machine.armed, armed.as_slice(), "{deadline}");
    }
}

#[test]
fn the_short_way_does_the_same() {
    for (number, first, second) in [
        (SET_TIMER_OP, 0, 0),
        (SET_TIMER_OP, 5, 0),
        (SET_TIMER_OP, u64::MAX, 0),
        (VCPU_OP, 3, 0),
        (VCPU_OP, 7 << 32 | 3, 7 << 32),
        (VCPU_OP, 3, 1),
    ] {
        let (mut long, mut short) = (Caller::new(), Caller::new());
        for caller in [&mut long, &mut short] {
            caller.vcpu.timers.set_single(77);
        }
        let Caller { domain, vcpu, machine } = &mut short;
        let value = in_brief(&mut Call { domain, vcpu, machine }, number.into(), [first, second]);
        assert!(is_short(number.into()));
        assert_eq!(long.call(number, &[first, second]), Return(value.unwrap()), "{first:#x}");
        assert_eq!((&long.vcpu, &long.machine.armed), (&short.vcpu, &short.machine.armed));
    }
    let Caller { mut domain, mut vcpu, mut machine } = Caller::new();
    let mut call = Call { domain: &mut domain, vcpu: &mut vcpu, machine: &mut machine };
    assert_eq!(in_brief(&mut call, VCPU_OP.into(), [2, 0]), None, "down is more than brief");
    assert_eq!(in_brief(&mut call, 64 + u64::from(VCPU_OP), [3, 0]), None);
    assert!(!is_short(SCHED_OP.into()));
}

#[test]
fn operations_on_vcpus() {
    for (command, vcpu, argument, result) in [
        (3, 0, 0, 1),
        (3, 1, 0, -ENOENT),
        (99, 1, 0, -ENOENT),
        (14, 0, 0, -ENOSYS),
        (12, 0, BASE, -EINVAL),
        (11, 0, 1, -EINVAL),
        (11, 0, 0, 0),
        (6, 0, BASE, -EINVAL),
        (6, 0, MISSING, -EFAULT),
        (7, 0, 0, 0),
        (9, 0, 0, 0),
        (4, 0, MISSING, -EFAULT),
        (10, 0, MISSING, -EFAULT),
    ] {
        let result = Return(result);
        assert_eq!(Caller::new().call(VCPU_OP, &[command, vcpu, argument]), result, "{command}");
    }
}

#[test]
fn vcpu_info_moves_once_and_marks_an_event() {
    let mut caller = Caller::new();
    let mask_set = 0x100;
    caller.machine.memory.poke(caller.vcpu.vcpu_info.0, mask_set);
    let page = caller.space().translate(Gva(BASE + 0x6000), Access::Write).unwrap();
    for (offset, result) in [(0x100, 0), (0x200, -EBUSY)] {
        caller.put(BASE, &[page.gfn().0, offset]);
        assert_eq!(caller.call(VCPU_OP, &[10, 0, BASE]), Return(result));
    }
    let at = caller.vcpu.vcpu_info;
    assert_eq!(at.0, page.0 + 0x100);
    assert_eq!(caller.machine.memory.read_word(at), Some(0x101));
    assert_eq!(caller.machine.memory.read_word(Gpa(at.0 + 8)), Some(u64::MAX));
}

#[test]
fn vcpu_info_has_to_fit() {
    for (frame, offset, result) in [
        (6, 0xfc8, -ENXIO),
        (6, 4, -ENXIO),
        (6, 0x1000, -ENXIO),
        (48, 0, -EINVAL),
        (1 << 52, 0, -EINVAL),
        (u64::MAX, 0, -EINVAL),
    ] {
        let mut caller = Caller::new();
        caller.put(BASE, &[frame, offset]);
        assert_eq!(caller.call(VCPU_OP, &[10, 0, BASE]), Return(result), "{frame} {offset}");
        assert!(!caller.vcpu.info_registered);
    }
}

#[test]
fn blocking_allows_upcalls() {
    for (word, outcome, after) in
        [(0x100, Block, 0), (0, Block, 0), (0x101, Return(0), 1), (0xff01, Return(0), 1)]
    {
        let mut caller = Caller::new();
        let info = caller.vcpu.vcpu_info;
        caller.machine.memory.poke(info.0, word);
        assert_eq!(caller.call(SCHED_OP, &[1, 0]), outcome, "{word:#x}");
        assert_eq!(caller.machine.memory.read_word(info), Some(after));
    }
}

/// A caller with ports 1 to 70, of which port 65 has an event; it is 1000 ns.
fn with_ports() -> Caller {
    let mut caller = Caller::new();
    caller.machine.now_ns = 1000;
    for _ in 1..=70 {
        caller.machine.channels.bind_ipi(VcpuId(0)).unwrap();
    }
    caller.machine.memory.poke(caller.domain.shared_info.0 + 2048 + 8, 2);
    caller
}

#[test]
fn polls() {
    let forever = Poll { deadline_ns: None };
    for (count, port, timeout, outcome, polls_for) in [
        (129, 1, 0, Return(-EINVAL), None),
        (1, 0, 0, Return(-EINVAL), None),
        (1, 71, 0, Return(-EINVAL), None),
        (1, 4095, 0, Return(-EINVAL), None),
        (1, 4096, 0, Return(-EINVAL), None),
        (1, u32::MAX, 0, Return(-EINVAL), None),
        (1, 65, 0, Return(0), None),
        (1, 64, 0, forever, Some(PollFor::Port(Port(64)))),
        (0, 64, 0, forever, Some(PollFor::Any)),
        (1, 64, 1000, Return(0), None),
        (1, 64, u64::MAX, Return(0), None),
        (1, 64, 1001, Poll { deadline_ns: Some(1001) }, Some(PollFor::Port(Port(64)))),
    ] {
        let mut caller = with_ports();
        caller.put(BASE, &[BASE + 0x100, count, timeout]);
        caller.put(BASE + 0x100, &port);
        assert_eq!(caller.call(SCHED_OP, &[3, BASE]), outcome, "{count} {port} {timeout}");
        assert_eq!(caller.vcpu.polls_for, polls_for);
    }
}

/// The ports are looked at in their order: an event ends the look at what is behind it.
#[test]
fn polls_for_several_ports() {
    let forever = Poll { deadline_ns: None };
    for (ports, outcome) in [
        ([1, 2, 64], forever),
        ([1, 65, 64], Return(0)),
        ([1, 65, 4096], Return(0)),
        ([1, 4096, 65], Return(-EINVAL)),
    ] {
        let mut caller = with_ports();
        caller.put(BASE, &[BASE + 0x100, 3, 0]);
        caller.put(BASE + 0x100, &ports);
        assert_eq!(caller.call(SCHED_OP, &[3, BASE]), outcome, "{ports:?}");
        let polls_for = (outcome == forever).then_some(PollFor::Any);
        assert_eq!(caller.vcpu.polls_for, polls_for, "{ports:?}");
    }
}

#[test]
fn polls_are_over_with_an_upcall_that_is_allowed() {
    let forever = Poll { deadline_ns: None };
    for (word, outcome) in [(1, Return(0)), (0x101, forever), (0, forever)] {
        let mut caller = with_ports();
        caller.machine.memory.poke(caller.vcpu.vcpu_info.0, word);
        caller.put(BASE, &[BASE + 0x100, 1, 0]);
        caller.put(BASE + 0x100, &64_u32);
        assert_eq!(caller.call(SCHED_OP, &[3, BASE]), outcome, "{word:#x}");
    }
}

#[test]
fn polls_that_cannot_be_read_are_faults() {
    for (argument, ports, count, outcome) in [
        (MISSING, BASE, 1, Return(-EFAULT)),
        (MISSING - 4, BASE, 1, Return(-EFAULT)),
        (BASE, MISSING, 1, Return(-EFAULT)),
        (BASE, MISSING - 6, 2, Return(-EFAULT)),
        (BASE, MISSING - 12, 3, Return(0)),
        (BASE, MISSING - 12, 4, Return(0)),
        (BASE, MISSING - 8, 2, Poll { deadline_ns: None }),
        (BASE, MISSING - 8, 3, Return(-EFAULT)),
        (BASE, u64::MAX - 3, 2, Return(-EFAULT)),
        (BASE, MISSING, 0, Poll { deadline_ns: None }),
        (BASE, 1 << 47, 0, Return(-EFAULT)),
        (BASE, MISSING, 129, Return(-EINVAL)),
    ] {
        let mut caller = with_ports();
        caller.put(BASE, &[ports, count, 0]);
        caller.put(MISSING - 12, &[65_u32, 1, 1]);
        if ports == MISSING - 6 {
            caller.put(MISSING - 6, &[1_u8, 0, 0, 0, 0, 0]);
        }
        let result = caller.call(SCHED_OP, &[3, argument]);
        assert_eq!(result, outcome, "{argument:#x} {ports:#x} {count}");
    }
}
