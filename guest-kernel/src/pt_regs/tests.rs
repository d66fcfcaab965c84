//! Where things lie, which assembly relies on, and that registers and what lies below them are apart.

use core::mem::offset_of;

use super::*;

/// The words that entries push and leave: what lies below must not move them.
#[test]
fn registers_lie_where_entries_push_them() {
    let at = [
        (offset_of!(Frame, r15), 0),
        (offset_of!(Frame, rbx), 5),
        (offset_of!(Frame, rdi), 12),
        (offset_of!(Frame, cause), 13),
        (offset_of!(Frame, rcx), 14),
        (offset_of!(Frame, error_code), 16),
        (offset_of!(Frame, rip), 17),
        (offset_of!(Frame, ss), 21),
    ];
    for (offset, word) in at {
        assert_eq!(offset, word * 8, "word {word}");
    }
    assert_eq!(
        size_of::<PtRegs>(),
        22 * 8,
        "nothing but the frame, all of which the way out takes"
    );
    assert_eq!(size_of::<ExtendedPtRegs>(), size_of::<Auxiliary>() + size_of::<PtRegs>());
    assert!(size_of::<ExtendedPtRegs>().is_multiple_of(16), "the stack stays aligned for a call");
}

#[test]
fn auxiliary_state_lies_below_the_registers() {
    let mut extended = ExtendedPtRegs::of(Frame::ZERO);
    let whole = (&raw const extended).addr();
    let regs = extended.regs();
    assert_eq!(core::ptr::from_ref(regs).addr(), whole + ExtendedPtRegs::AUXILIARY_BYTES);
    assert_eq!(core::ptr::from_ref(regs.auxiliary()).addr(), whole);
}

#[test]
fn neither_changes_the_other() {
    let frame = Frame { r15: 1, rdi: 2, cause: 3, rip: 4, ss: 5, ..Frame::ZERO };
    let mut extended = ExtendedPtRegs::of(frame);
    let regs = extended.regs();
    assert!(!regs.auxiliary().entry.has_cut_call(), "zeros at first");
    regs.auxiliary().entry.set_cut_call(true);
    assert_eq!(**regs, frame);
    **regs = Frame { rax: u64::MAX, ..Frame::ZERO };
    assert!(regs.auxiliary().entry.has_cut_call());
    regs.r15 = u64::MAX;
    assert!(regs.auxiliary().entry.has_cut_call(), "the word above it");
}

/// What a handler may do with two sets of registers leaves each its own auxiliary state.
#[test]
fn values_can_be_exchanged_and_places_not() {
    let (mut one, mut other) = (ExtendedPtRegs::of(Frame::ZERO), ExtendedPtRegs::of(Frame::ZERO));
    let (one, other) = (one.regs(), other.regs());
    one.auxiliary().entry.set_cut_call(true);
    one.rax = 1;
    core::mem::swap(one, other);
    assert_eq!((one.rax, other.rax), (0, 1));
    assert!(one.auxiliary().entry.has_cut_call() && !other.auxiliary().entry.has_cut_call());
}
