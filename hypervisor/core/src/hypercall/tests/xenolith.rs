use super::super::Outcome::Return;
use super::super::test_machine::{Caller, MISSING};
use crate::guest_access::tests::BASE;
use xenolith_abi::errno::{EFAULT, ENOSYS};
use xenolith_abi::xenolith::OP;

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
    for operation in [1, 2, 0xffff_ffff, 1 << 32 | 1] {
        assert_eq!(Caller::new().call(OP, &[operation, BASE, 3]), Return(-ENOSYS));
    }
}
