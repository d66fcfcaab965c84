use super::super::Outcome::Return;
use super::super::test_machine::Caller;
use xenolith_abi::errno::{EINVAL, ENOSYS};
use xenolith_abi::hypercall::VM_ASSIST;

/// The types that a domain of Xen 4.17 may name.
const TYPES: [u64; 7] = [0, 1, 2, 3, 4, 5, 32];

#[test]
fn the_type_is_checked_before_the_command() {
    for command in [0, 1, 2, 3, 0xffff_ffff] {
        for kind in (0..130).chain([0x7fff_ffff, 0x8000_0000, 0xffff_ffff]) {
            let want = match (TYPES.contains(&kind), command) {
                (false, _) => -EINVAL,
                (true, 0 | 1) => 0,
                (true, _) => -ENOSYS,
            };
            let outcome = Caller::new().call(VM_ASSIST, &[command, kind]);
            assert_eq!(outcome, Return(want), "command {command:#x} type {kind:#x}");
        }
    }
}

#[test]
fn each_type_is_a_bit_of_its_own() {
    let mut caller = Caller::new();
    let mut want = 0;
    for kind in TYPES {
        assert_eq!(caller.call(VM_ASSIST, &[0, kind]), Return(0));
        want |= 1 << kind;
        assert_eq!(caller.domain.assists, want);
        assert_eq!(caller.call(VM_ASSIST, &[0, kind]), Return(0), "once more");
        assert_eq!(caller.domain.assists, want);
    }
    for kind in TYPES {
        assert_eq!(caller.call(VM_ASSIST, &[1, kind]), Return(0));
        want &= !(1 << kind);
        assert_eq!(caller.domain.assists, want);
        assert_eq!(caller.call(VM_ASSIST, &[1, kind]), Return(0), "once more");
        assert_eq!(caller.domain.assists, want);
    }
    assert_eq!(caller.domain.assists, 0);
}

#[test]
fn a_refused_call_changes_nothing() {
    let mut caller = Caller::new();
    caller.domain.assists = 0b101;
    for (command, kind) in [(2, 0), (0, 6), (1, 64), (1, 1 << 31)] {
        assert_ne!(caller.call(VM_ASSIST, &[command, kind]), Return(0));
        assert_eq!(caller.domain.assists, 0b101);
    }
}

#[test]
fn both_arguments_are_32_bits_wide() {
    let mut caller = Caller::new();
    assert_eq!(caller.call(VM_ASSIST, &[1 << 32, 1 << 32 | 3]), Return(0));
    assert_eq!(caller.domain.assists, 1 << 3);
    assert_eq!(caller.call(VM_ASSIST, &[u64::MAX << 32 | 1, u64::MAX << 32 | 3]), Return(0));
    assert_eq!(caller.domain.assists, 0);
}
