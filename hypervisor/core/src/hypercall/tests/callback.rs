use super::super::EntryPoint;
use super::super::Outcome::{self, Return};
use super::super::test_machine::Caller;
use crate::address::{Gpa, Gva, to_u64};
use crate::domain::Domain;
use crate::guest_access::test_space::BASE;
use crate::resident::VcpuData;
use crate::vcpu::Callback;
use core::mem::offset_of;
use xenolith_abi::callback::{Register, Unregister};
use xenolith_abi::errno::{EINVAL, ENOSYS};
use xenolith_abi::hypercall::{CALLBACK_OP, NMI_OP, SET_CALLBACKS};

const ENTRY: u64 = 0xffff_ffff_8123_4567;
const NMI_BIT: u32 = 1 << 2;

fn register(caller: &mut Caller, type_: u16, flags: u16, address: u64) -> Outcome {
    caller.put(BASE, &Register { type_, flags, padding: 0, address });
    caller.call(CALLBACK_OP, &[0, BASE])
}

fn unregister(caller: &mut Caller, type_: u16) -> Outcome {
    caller.put(BASE, &Unregister { type_, unused: 0xffff });
    caller.call(CALLBACK_OP, &[1, BASE])
}

/// Returns the last word that was published to `offset` of the vCPU's data.
fn published(caller: &Caller, offset: usize) -> Option<u64> {
    let at = Gpa(caller.domain.hole.data().0 + to_u64(offset));
    let last = caller.machine.published.iter().rev().find(|(to, _)| *to == at);
    last.map(|(_, bytes)| u64::from_le_bytes(bytes[..].try_into().unwrap()))
}

const EVENT: usize = offset_of!(VcpuData, event_callback);
const SYSCALL: usize = offset_of!(VcpuData, syscall_callback);
const MASKS: usize = offset_of!(VcpuData, syscall_masks_events);

#[test]
fn entries_reach_the_resident() {
    let mut caller = Caller::new();
    assert_eq!(register(&mut caller, 0, 0, ENTRY), Return(0));
    assert_eq!(published(&caller, EVENT), Some(ENTRY));
    assert_eq!(published(&caller, SYSCALL), None);
    for (flags, masks) in [(0, 0), (1, 1), (2, 0), (0xffff, 1)] {
        assert_eq!(register(&mut caller, 2, flags, ENTRY + 16), Return(0));
        assert_eq!(published(&caller, SYSCALL), Some(ENTRY + 16));
        assert_eq!(published(&caller, MASKS), Some(masks), "{flags:#x}");
        let syscall = Callback { address: ENTRY + 16, masks_events: masks == 1 };
        assert_eq!(caller.vcpu.syscall, syscall);
    }
    assert_eq!(register(&mut caller, 1, 1, ENTRY + 32), Return(0));
    assert_eq!(caller.vcpu.failsafe, Callback { address: ENTRY + 32, masks_events: true });
    assert_eq!(caller.vcpu.event.address, ENTRY);
}

/// Addresses are checked before the type is. That of 32-bit SYSCALL is taken, and never used.
#[test]
fn registrations_without_an_effect() {
    for (type_, address, want) in [
        (0, 0x8000_0000_0000, -EINVAL),
        (1, 0xffff_7fff_ffff_ffff, -EINVAL),
        (2, 1 << 63, -EINVAL),
        (4, 0x8000_0000_0000, -EINVAL),
        (99, 0x8000_0000_0000, -EINVAL),
        (3, ENTRY, -ENOSYS),
        (6, ENTRY, -ENOSYS),
        (8, ENTRY, -ENOSYS),
        (99, ENTRY, -ENOSYS),
        (5, 0x8000_0000_0000, -EINVAL),
        (7, 0x8000_0000_0000, -EINVAL),
        (7, ENTRY, 0),
    ] {
        let mut caller = Caller::new();
        let before = caller.vcpu.clone();
        assert_eq!(register(&mut caller, type_, 0, address), Return(want), "{type_} {address:#x}");
        assert_eq!((caller.vcpu, caller.machine.published), (before, Vec::new()));
    }
}

#[test]
fn sysenter_leads_to_the_resident_while_it_has_a_callback() {
    const SYSENTER: usize = offset_of!(VcpuData, sysenter_callback);
    const SYSENTER_MASKS: usize = offset_of!(VcpuData, sysenter_masks_events);
    let mut caller = Caller::new();
    for (flags, masks) in [(0, 0), (1, 1)] {
        assert_eq!(register(&mut caller, 5, flags, ENTRY), Return(0));
        assert_eq!(published(&caller, SYSENTER), Some(ENTRY));
        assert_eq!(published(&caller, SYSENTER_MASKS), Some(masks));
        let Domain { hole, resident, .. } = &caller.domain;
        let rip = Gva(hole.text().0 + u64::from(resident.sysenter));
        let rsp = hole.fault_stack();
        assert_eq!(caller.machine.sysenter, Some(EntryPoint { rip, rsp }));
    }
    assert_eq!(register(&mut caller, 5, 0, 0), Return(0));
    assert_eq!(caller.machine.sysenter, None);
}

#[test]
fn only_the_nmi_callback_can_be_taken_back() {
    for (type_, want) in [
        (0, -EINVAL),
        (1, -EINVAL),
        (2, -EINVAL),
        (3, -ENOSYS),
        (4, 0),
        (5, -EINVAL),
        (6, -ENOSYS),
        (7, -EINVAL),
        (8, -ENOSYS),
        (0xffff, -ENOSYS),
    ] {
        assert_eq!(unregister(&mut Caller::new(), type_), Return(want), "{type_}");
    }
}

#[test]
fn nmis_have_two_ways_to_be_registered() {
    let mut caller = Caller::new();
    assert_eq!(register(&mut caller, 4, 0, ENTRY), Return(0));
    assert_eq!(caller.machine.handled, Some(NMI_BIT));
    assert_eq!(unregister(&mut caller, 4), Return(0));
    assert_eq!(caller.machine.handled, Some(0));
    caller.put(BASE, &[ENTRY, 0]);
    assert_eq!(caller.call(NMI_OP, &[0, BASE]), Return(0));
    assert_eq!(caller.machine.handled, Some(NMI_BIT));
    let trap = caller.domain.hole.trap(2);
    let words = [ENTRY.to_le_bytes(), 1_u64.to_le_bytes()].concat();
    assert!(caller.machine.published.contains(&(trap, words)), "events are masked there");
    assert_eq!(caller.call(NMI_OP, &[1, 0]), Return(0), "no argument");
    assert_eq!(caller.machine.handled, Some(0));
    caller.put(BASE, &[0x8000_0000_0000_u64, 0]);
    assert_eq!(caller.call(NMI_OP, &[0, BASE]), Return(-EINVAL));
    assert_eq!(caller.machine.handled, Some(0));
}

#[test]
fn three_at_once() {
    let mut caller = Caller::new();
    caller.vcpu.syscall.masks_events = true;
    let outcome = caller.call(SET_CALLBACKS, &[ENTRY, ENTRY + 1, ENTRY + 2]);
    assert_eq!(outcome, Return(0));
    assert_eq!(published(&caller, EVENT), Some(ENTRY));
    assert_eq!(published(&caller, SYSCALL), Some(ENTRY + 2));
    assert_eq!(published(&caller, MASKS), Some(0));
    assert_eq!(caller.vcpu.failsafe, Callback { address: ENTRY + 1, masks_events: false });
}

/// Xen registers each on its own and does not tell which of them it refused.
#[test]
fn of_three_at_once_those_that_are_canonical_count_zeros_too() {
    let mut caller = Caller::new();
    assert_eq!(caller.call(SET_CALLBACKS, &[ENTRY, ENTRY, ENTRY]), Return(0));
    assert_eq!(caller.call(SET_CALLBACKS, &[1 << 63, 1 << 63, 1 << 63]), Return(0));
    assert_eq!(published(&caller, EVENT), Some(ENTRY));
    assert_eq!((published(&caller, SYSCALL), caller.vcpu.failsafe.address), (Some(ENTRY), ENTRY));
    assert_eq!(caller.call(SET_CALLBACKS, &[1 << 63, 0, 0]), Return(0));
    assert_eq!(published(&caller, EVENT), Some(ENTRY));
    let report = caller.domain.hole.text().0 + u64::from(caller.domain.resident.no_callback);
    assert_eq!(published(&caller, SYSCALL), Some(report), "a VMCALL of the resident");
    assert_eq!(caller.vcpu.failsafe.address, 0);
    assert_eq!(caller.call(SET_CALLBACKS, &[0, 0, 0]), Return(0));
    let report = caller.domain.hole.text().0 + u64::from(caller.domain.resident.no_event_callback);
    assert_eq!(published(&caller, EVENT), Some(report), "another one");
}

#[test]
fn unknown_operations() {
    for number in [CALLBACK_OP, NMI_OP] {
        for operation in [2, 3, 0xffff_ffff, 1 << 32 | 2] {
            assert_eq!(Caller::new().call(number, &[operation, BASE]), Return(-ENOSYS));
        }
        assert_eq!(Caller::new().call(number, &[1 << 32, BASE]), Return(0), "32 bits count");
    }
}
