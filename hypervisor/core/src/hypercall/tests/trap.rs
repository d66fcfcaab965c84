use super::super::Outcome::{Continue, Return};
use super::super::test_machine::{Caller, MISSING};
use crate::address::Gpa;
use crate::guest_access::test_space::BASE;
use crate::hole;
use crate::resident::EVENT_VECTOR;
use xenolith_abi::errno::{EFAULT, EINVAL};
use xenolith_abi::hypercall::SET_TRAP_TABLE;
use xenolith_abi::trap::TrapInfo;
use zerocopy::IntoBytes;

const HANDLER: u64 = 0xffff_ffff_8000_1000;

fn entry(vector: u8, flags: u8) -> TrapInfo {
    TrapInfo { vector, flags, cs: 0xe033, padding: 0, address: HANDLER + u64::from(vector) }
}

const END: TrapInfo = TrapInfo { vector: 0, flags: 0, cs: 0, padding: 0, address: 0 };

/// Returns what was published last of a vector: handler, whether it masks events, and its gate.
fn found(caller: &Caller, vector: u8) -> Option<(u64, u64, Option<[u64; 2]>)> {
    let words = |at: Gpa| Some([caller.published_word(at)?, caller.published_word(Gpa(at.0 + 8))?]);
    let [handler, masks] = words(caller.domain.hole.trap(vector))?;
    Some((handler, masks, words(caller.domain.hole.gate(vector))))
}

#[test]
fn entries_become_traps_and_gates() {
    let mut caller = Caller::new();
    let entries = [entry(3, 3), entry(14, 4), entry(0x80, 7), entry(255, 0xf8), END, entry(1, 0)];
    caller.put(BASE, &entries);
    assert_eq!(caller.call(SET_TRAP_TABLE, &[BASE]), Return(0));
    for (vector, masks, dpl) in [(3, 0, 3), (14, 1, 0), (0x80, 1, 3), (255, 0, 0)] {
        let stub = caller.domain.hole.text().0 + 0x300 + 16 * u64::from(vector);
        let gate = hole::gate(crate::address::Gva(stub), dpl);
        let want = Some((HANDLER + u64::from(vector), masks, Some(gate)));
        assert_eq!(found(&caller, vector), want, "{vector}");
    }
    assert_eq!(found(&caller, 1), None, "it stands behind the end");
    assert_eq!(caller.machine.handled, Some(1 << 3 | 1 << 14));
}

#[test]
fn later_tables_add_and_null_clears() {
    let mut caller = Caller::new();
    for vector in [3, 14, 0x21] {
        caller.put(BASE, &[entry(vector, 0), END]);
        assert_eq!(caller.call(SET_TRAP_TABLE, &[BASE]), Return(0));
    }
    assert_eq!(caller.machine.handled, Some(1 << 3 | 1 << 14));
    assert_eq!(caller.call(SET_TRAP_TABLE, &[0]), Return(0));
    assert_eq!((caller.machine.handled, caller.vcpu.handled), (Some(0), 0));
    for vector in (0..=255).filter(|vector| *vector != EVENT_VECTOR) {
        assert_eq!(found(&caller, vector), Some((0, 0, Some([0; 2]))), "{vector}");
    }
}

#[test]
fn the_event_vector_keeps_its_gate() {
    let mut caller = Caller::new();
    caller.put(BASE, &[entry(EVENT_VECTOR, 3), END]);
    assert_eq!(caller.call(SET_TRAP_TABLE, &[BASE]), Return(0));
    assert_eq!(caller.call(SET_TRAP_TABLE, &[0]), Return(0));
    let gate = caller.domain.hole.gate(EVENT_VECTOR);
    assert_eq!([0, 8].map(|at| caller.published_word(Gpa(gate.0 + at))), [None; 2]);
    assert_eq!(found(&caller, EVENT_VECTOR), Some((0, 0, None)));
}

#[test]
fn a_bad_entry_stops_the_table_there() {
    let mut caller = Caller::new();
    let bad = TrapInfo { address: 0x8000_0000_0000, ..entry(5, 0) };
    caller.put(BASE, &[entry(4, 0), bad, entry(6, 0), END]);
    assert_eq!(caller.call(SET_TRAP_TABLE, &[BASE]), Return(-EINVAL));
    assert_eq!(caller.machine.handled, Some(1 << 4));
    let mut caller = Caller::new();
    caller.put(MISSING - 40, &[entry(4, 0), entry(5, 0)]);
    caller.put(MISSING - 8, &0_u64);
    assert_eq!(caller.call(SET_TRAP_TABLE, &[MISSING - 40]), Return(-EFAULT));
    assert_eq!(caller.machine.handled, Some(1 << 4 | 1 << 5));
}

#[test]
fn a_long_table_is_read_in_pieces() {
    let mut caller = Caller::new();
    let entries: Vec<_> = (0..=255).map(|vector| entry(vector, 0)).chain([END]).collect();
    caller.put(BASE + 5, entries.as_bytes());
    let mut args = [BASE + 5, 2, 3, 4, 5];
    for piece in 1..=4 {
        caller.machine.units = 63;
        let Continue(rest) = caller.call_all(SET_TRAP_TABLE.into(), &args) else {
            panic!("a piece is 64 entries");
        };
        assert_eq!(rest, [BASE + 5 + piece * 64 * 16, 2, 3, 4, 5]);
        args = rest;
    }
    assert_eq!(caller.call_all(SET_TRAP_TABLE.into(), &args), Return(0));
    assert_eq!(caller.machine.handled, Some(u32::MAX), "every exception");
    for vector in 0..=255 {
        let (handler, ..) = found(&caller, vector).unwrap();
        assert_eq!(handler, HANDLER + u64::from(vector));
    }
}
