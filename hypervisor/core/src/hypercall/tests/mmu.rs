use super::super::Outcome::{Continue, Return};
use super::super::test_machine::{
    Caller, DOMAIN, Flush, IN_HOLE, MEMORY_PAGES, MISSING, READ_ONLY,
};
use crate::address::{Gfn, Gpa, Gva, to_u64};
use crate::guest_access::test_space::{BASE, CR3};
use crate::guest_memory::GuestMemory;
use proptest::prelude::*;
use xenolith_abi::domain::{IO, SELF};
use xenolith_abi::errno::{EACCES, EFAULT, EINVAL, ENOSYS, EOPNOTSUPP, EPERM, ESRCH};
use xenolith_abi::hypercall::{
    MMU_UPDATE, MMUEXT_OP, UPDATE_VA_MAPPING, UPDATE_VA_MAPPING_OTHERDOMAIN,
};
use xenolith_abi::mmu::{MmuUpdate, MmuextOp};
use zerocopy::IntoBytes;

const LIST: u64 = BASE + 0x100;
const DONE: u64 = BASE + 0x1000;
/// A page that is some table, which no walk uses.
const TABLE: u64 = 40 << 12;

fn requests(caller: &mut Caller, list: &[(u64, u64)]) -> [u64; 4] {
    let list: Vec<_> = list.iter().map(|&(ptr, val)| MmuUpdate { ptr, val }).collect();
    caller.put(LIST, list.as_bytes());
    caller.put(DONE, &[0_u32; 2]);
    [LIST, to_u64(list.len()), DONE, SELF.into()]
}

fn update(caller: &mut Caller, list: &[(u64, u64)]) -> (i64, u32) {
    let args = requests(caller, list);
    let Return(result) = caller.call(MMU_UPDATE, &args) else { panic!("it was cut") };
    (result, caller.take(DONE))
}

fn word(caller: &Caller, at: u64) -> u64 {
    caller.machine.memory.read_word(Gpa(at)).unwrap()
}

#[test]
fn entries_are_written_as_they_are_or_with_what_the_cpu_noted() {
    let mut caller = Caller::new();
    caller.machine.memory.poke(TABLE + 8, 0x1067);
    caller.machine.memory.poke(TABLE + 16, 0x1047);
    let list = [(TABLE, u64::MAX), (TABLE + 8 + 2, 0x3003), (TABLE + 16 + 3, 0x3003)];
    assert_eq!(update(&mut caller, &list), (0, 3));
    assert_eq!(word(&caller, TABLE), u64::MAX);
    assert_eq!(word(&caller, TABLE + 8), 0x3063);
    assert_eq!(word(&caller, TABLE + 16), 0x3003);
    assert_eq!(caller.machine.flushed, [], "the guest says when to flush");
}

#[test]
fn the_machine_to_physical_table_has_entries_for_the_guest_s_frames() {
    let mut caller = Caller::new();
    let frame = TABLE >> 12;
    assert_eq!(update(&mut caller, &[(TABLE + 1, 0x1234)]), (0, 1));
    let place = caller.domain.hole.m2p_entry(Gfn(frame)).unwrap();
    assert_eq!(caller.machine.published, [(place, 0x1234_u64.to_le_bytes().to_vec())]);
    let hole = caller.domain.shared_info.0;
    for bad in [MEMORY_PAGES << 12, hole, 20 << 12, 1 << 52, !7] {
        assert_eq!(update(&mut caller, &[(bad + 1, 0)]), (-EINVAL, 0), "{bad:#x}");
    }
    assert_eq!(caller.machine.published.len(), 1);
}

#[test]
fn requests_before_a_bad_one_are_done_and_counted() {
    let good = (TABLE, 1);
    for (bad, error) in [
        ((TABLE + 4, 1), ENOSYS),
        ((TABLE + 7, 1), ENOSYS),
        ((20 << 12, 1), EINVAL),
        ((1 << 52, 1), EINVAL),
        ((!7, 1), EINVAL),
    ] {
        let mut caller = Caller::new();
        assert_eq!(update(&mut caller, &[good, (TABLE + 8, 2), bad, good]), (-error, 2));
        assert_eq!((word(&caller, TABLE), word(&caller, TABLE + 8)), (1, 2));
    }
    let mut caller = Caller::new();
    caller.put(MISSING - 32, [MmuUpdate { ptr: TABLE, val: 7 }; 2].as_bytes());
    assert_eq!(caller.call(MMU_UPDATE, &[MISSING - 32, 5, DONE, SELF.into()]), Return(-EFAULT));
    assert_eq!((caller.take::<u32>(DONE), word(&caller, TABLE)), (2, 7));
}

#[test]
fn a_count_that_cannot_be_written_changes_nothing() {
    for done in [0, 8, IN_HOLE, READ_ONLY, MISSING] {
        let mut caller = Caller::new();
        let [list, count, ..] = requests(&mut caller, &[(TABLE, 9)]);
        assert_eq!(caller.call(MMU_UPDATE, &[list, count, done, SELF.into()]), Return(0));
        assert_eq!(word(&caller, TABLE), 9);
    }
}

#[test]
fn only_the_caller_s_tables_and_memory() {
    let own = u64::from(DOMAIN) + 1;
    for (domain, value, want) in [
        (u64::from(SELF), 1, (0, 1)),
        (u64::from(SELF) | own << 16, 1, (0, 1)),
        (u64::from(SELF) | own << 16 | 1 << 32, 1, (0, 1)),
        (u64::from(IO), 2, (0, 1)),
        (u64::from(IO), 1, (-EPERM, 0)),
        (u64::from(DOMAIN), 1, (-ESRCH, 0)),
        (0, 1, (-ESRCH, 0)),
        (u64::from(SELF) | 1 << 16, 1, (-ESRCH, 9)),
    ] {
        let mut caller = Caller::new();
        let [list, count, done, _] = requests(&mut caller, &[(TABLE, value)]);
        caller.put(DONE, &9_u32);
        let Return(result) = caller.call(MMU_UPDATE, &[list, count, done, domain]) else {
            panic!()
        };
        assert_eq!((result, caller.take(DONE)), want, "{domain:#x} {value}");
    }
}

#[test]
fn the_continuation_of_nothing_is_its_last_argument() {
    for number in [MMU_UPDATE, MMUEXT_OP] {
        for (value, want) in [(0, 0), (5, 5), (0xffff_ffea, -22), (1 << 32, 0)] {
            let outcome = Caller::new().call(number, &[0, 1 << 31, 8, value]);
            assert_eq!(outcome, Return(want), "{value:#x}");
        }
        assert_eq!(Caller::new().call(number, &[0, 0, 0, SELF.into()]), Return(0));
        assert_eq!(Caller::new().call(number, &[IN_HOLE, 0, 0, SELF.into()]), Return(-EFAULT));
    }
}

#[test]
fn a_cut_list_says_what_is_left_and_what_is_done() {
    let mut caller = Caller::new();
    let [a, b, c, d] = requests(&mut caller, &[(TABLE, 1), (TABLE + 8, 2), (TABLE + 16, 3)]);
    caller.machine.units = 1;
    let left = [LIST + 32, 1 << 31 | 1, DONE, SELF.into(), 5];
    assert_eq!(caller.call(MMU_UPDATE, &[a, b, c, d, 5]), Continue(left));
    assert_eq!((caller.take::<u32>(DONE), word(&caller, TABLE + 16)), (2, 0));
    caller.unmap(LIST);
    assert_eq!(caller.call_all(MMU_UPDATE.into(), &left), Return(-EFAULT));
    assert_eq!(caller.take::<u32>(DONE), 2, "what went away was not done");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Any list, good or bad, cut anywhere: the same result, count and memory as in one piece.
    #[test]
    fn a_list_in_pieces_is_the_list(
        list in proptest::collection::vec(
            (prop_oneof![9 => 0_u64..512, 1 => Just(1 << 40)], 0_u64..5, any::<u64>()), 0..24),
        units in 0_u32..26,
    ) {
        let list: Vec<_> = list
            .into_iter()
            .map(|(slot, command, value)| (TABLE + slot * 8 + if command == 4 { 0 } else { command }, value))
            .collect();
        let mut uncut = Caller::new();
        let want = update(&mut uncut, &list);
        for bit in [0, 64] {
            let mut caller = Caller::new();
            let [a, b, c, d] = requests(&mut caller, &list);
            let (result, pieces) = caller.call_in_pieces(MMU_UPDATE | bit, &[a, b, c, d, 5], units);
            prop_assert_eq!((result, caller.take::<u32>(DONE)), want);
            prop_assert_eq!(pieces == 1, list.len() <= usize::try_from(units).unwrap() + 1 || want.1 <= units);
            prop_assert_eq!(&caller.machine.memory, &uncut.machine.memory);
            prop_assert_eq!(&caller.machine.published, &uncut.machine.published);
        }
    }

    /// A guest that makes its own continuations gets errors, or changes its own tables.
    #[test]
    fn made_up_arguments_are_harmless(
        number in prop_oneof![Just(MMU_UPDATE), Just(MMUEXT_OP), Just(UPDATE_VA_MAPPING)],
        args in (
            prop_oneof![Just(LIST), Just(0), Just(MISSING - 24), any::<u64>()],
            prop_oneof![0_u64..6, (0_u64..6).prop_map(|n| n | 1 << 31), any::<u64>()],
            prop_oneof![Just(0), Just(DONE), any::<u64>()],
            prop_oneof![Just(u64::from(SELF)), any::<u64>()],
            any::<u64>(),
        ),
        units in 0_u32..4,
    ) {
        let mut caller = Caller::new();
        caller.machine.units = units;
        let _ = caller.call_all(number.into(), &<[u64; 5]>::from(args));
    }
}

#[test]
fn an_address_s_entry_is_set_and_flushed() {
    let slot = 0x4000 + 8 * 3;
    let at = BASE + 0x3000;
    let one = [Flush::Page(Gva(at))];
    for (flags, bitmap, result, flushed) in [
        (0, 0, 0, &[][..]),
        (1, 0, 0, &[Flush::All]),
        (2, 0, 0, &one),
        (3, 0, 0, &[]),
        (4, 0, 0, &[]),
        (5, 0, 0, &[Flush::All]),
        (6, 0, 0, &one),
        (BASE | 1, 1, 0, &[Flush::All]),
        (BASE | 1, !1_u64, 0, &[]),
        (BASE | 2, 3, 0, &one),
        (BASE, 3, 0, &[]),
        (MISSING | 2, 0, -EFAULT, &[]),
        (IN_HOLE | 1, 0, -EFAULT, &[]),
    ] {
        let mut caller = Caller::new();
        caller.put(BASE, &bitmap);
        let outcome = caller.call(UPDATE_VA_MAPPING, &[at, 0x2_1007, flags]);
        assert_eq!(outcome, Return(result), "{flags:#x}");
        assert_eq!(caller.machine.flushed, flushed, "{flags:#x}");
        assert_eq!(word(&caller, slot), 0x2_1007, "{flags:#x}: it is set all the same");
    }
}

#[test]
fn mappings_of_the_kernel_s_half_are_writable() {
    let mut caller = Caller::new();
    caller.machine.memory.poke(0x1000, 0x2003);
    caller.machine.memory.poke(0x2000 + 511 * 8, 0x3003);
    caller.machine.memory.poke(0x3000 + 507 * 8, 0x4003);
    for (at, entry, want) in [
        (BASE + 0x3000, 0x5001, 0x5003),
        (BASE + 0x3000, 0x5000, 0x5000),
        (0xffff_ffff_ff60_0000, 0x5001, 0x5001),
        (0xffff_ffff_ff60_1000, 0x5001, 0x5003),
        (510 << 30, 0x5001, 0x5001),
    ] {
        assert_eq!(caller.call(UPDATE_VA_MAPPING, &[at, entry, 0]), Return(0), "{at:#x}");
        let index = at >> 12 & 511;
        assert_eq!(word(&caller, 0x4000 + 8 * index), want, "{at:#x}");
    }
}

#[test]
fn addresses_without_a_table_are_refused() {
    let mut caller = Caller::new();
    caller.machine.memory.poke(0x3000 + 8, 0x4083);
    for at in [0, BASE + 0x20_0000, IN_HOLE, 1 << 47, 1 << 63, u64::MAX << 47 | 1 << 46] {
        let outcome = caller.call(UPDATE_VA_MAPPING, &[at, 0x5003, 1]);
        assert_eq!(outcome, Return(-EINVAL), "{at:#x}");
    }
    assert_eq!(caller.machine.flushed, []);
    for (domain, want) in
        [(u64::from(SELF), 0), (IO.into(), -EPERM), (DOMAIN.into(), -ESRCH), (0, -ESRCH)]
    {
        let args = [BASE + 0x3000, 0x5003, 0, domain];
        assert_eq!(caller.call(UPDATE_VA_MAPPING_OTHERDOMAIN, &args), Return(want), "{domain:#x}");
    }
}

fn extended(caller: &mut Caller, cmd: u32, arg1: u64, arg2: u64) -> i64 {
    caller.put(LIST, &MmuextOp { cmd, padding: 0, arg1, arg2 });
    let Return(result) = caller.call(MMUEXT_OP, &[LIST, 1, DONE, SELF.into()]) else { panic!() };
    assert_eq!(caller.take::<u32>(DONE), u32::from(result == 0));
    result
}

#[test]
fn a_table_that_becomes_the_highest_gets_the_hypervisor_s_entries_each_time() {
    const FRAME: u64 = TABLE >> 12;
    let mut caller = Caller::new();
    let entries = caller.domain.hole.entries();
    for cmd in [3, 5, 15, 5] {
        caller.machine.memory.poke(TABLE + 256 * 8, 0xdead);
        caller.machine.memory.poke(TABLE + 271 * 8, 0xdead);
        // The new table must lead to where the list is.
        caller.machine.memory.poke(TABLE + 511 * 8, 0x2003);
        assert_eq!(extended(&mut caller, cmd, FRAME, 0), 0);
        for (slot, entry) in (256..).zip(entries) {
            assert_eq!(word(&caller, TABLE + slot * 8), entry, "{cmd}: {slot}");
        }
        assert_eq!(word(&caller, TABLE + 255 * 8), 0);
        assert_eq!(word(&caller, TABLE + 272 * 8), 0);
    }
    assert_eq!(caller.machine.flushed, [Flush::Table(Gpa(TABLE)); 2]);
    assert_eq!(extended(&mut caller, 15, 0, 0), 0, "a process may have no table");
    for cmd in [0, 1, 2, 3, 4, 5, 15] {
        for bad in [20, 1 << 40, 1 << 52, u64::MAX] {
            assert_eq!(extended(&mut caller, cmd, bad, 0), -EINVAL, "{cmd} {bad:#x}");
        }
    }
    assert_eq!(caller.machine.cr3, TABLE);
    for cmd in [0, 1, 2, 4] {
        assert_eq!(extended(&mut caller, cmd, CR3 >> 12, 0), 0, "{cmd}");
    }
}

#[test]
fn flushes_reach_whom_they_name() {
    let page = Flush::Page(Gva(0x1234_5000));
    for (cmd, bits, flushed) in [
        (6, 0_u64, &[Flush::All][..]),
        (7, 0, &[page]),
        (8, 1, &[Flush::All]),
        (8, 2, &[]),
        (9, 1, &[page]),
        (9, 0, &[]),
        (10, 0, &[Flush::All]),
        (11, 0, &[page]),
    ] {
        let mut caller = Caller::new();
        caller.put(BASE, &bits);
        assert_eq!(extended(&mut caller, cmd, 0x1234_5000, BASE), 0, "{cmd}");
        assert_eq!(caller.machine.flushed, flushed, "{cmd}");
    }
    for cmd in [8, 9] {
        assert_eq!(extended(&mut Caller::new(), cmd, 0, MISSING), -EINVAL);
    }
}

#[test]
fn what_an_ordinary_domain_may_not_is_refused() {
    for (cmd, error) in [
        (12, EACCES),
        (18, EINVAL),
        (19, EOPNOTSUPP),
        (20, EOPNOTSUPP),
        (14, ENOSYS),
        (21, ENOSYS),
        (u32::MAX, ENOSYS),
    ] {
        assert_eq!(extended(&mut Caller::new(), cmd, 0, 0), -error, "{cmd}");
    }
    for (domain, want) in [(u64::from(IO), -EPERM), (DOMAIN.into(), -ESRCH), (0, -ESRCH)] {
        let outcome = Caller::new().call(MMUEXT_OP, &[LIST, 0, DONE, domain]);
        assert_eq!(outcome, Return(want), "{domain:#x}");
    }
}

#[test]
fn local_descriptor_tables() {
    let mut caller = Caller::new();
    for (base, entries, want) in [
        (BASE, 8192, Some((Gva(BASE), 8192))),
        (BASE, 1 << 32 | 1, Some((Gva(BASE), 1))),
        (BASE + 8, 0, Some((Gva(0), 0))),
        (IN_HOLE, 0, Some((Gva(0), 0))),
        (BASE, 8193, None),
        (BASE, 0x1_0001, None),
        (BASE + 8, 1, None),
        (IN_HOLE, 1, None),
        (1 << 47, 1, None),
    ] {
        caller.machine.ldt = None;
        let result = extended(&mut caller, 13, base, entries);
        assert_eq!(result, if want.is_some() { 0 } else { -EINVAL }, "{base:#x} {entries}");
        assert_eq!(caller.machine.ldt, want, "{base:#x} {entries}");
    }
}

#[test]
fn pages_are_cleared_and_copied() {
    let mut caller = Caller::new();
    let text: Vec<u8> = (0..=250).cycle().take(4096).collect();
    caller.put(BASE + 0x2000, &text[..]);
    assert_eq!(extended(&mut caller, 17, 36, 34), 0);
    assert_eq!(caller.take::<[u8; 4096]>(BASE + 0x4000)[..], text[..]);
    assert_eq!(extended(&mut caller, 16, 34, 0), 0);
    assert_eq!(caller.take::<[u8; 4096]>(BASE + 0x2000), [0; 4096]);
    for bad in [20, 1 << 52, u64::MAX] {
        assert_eq!(extended(&mut caller, 16, bad, 0), -EINVAL);
        assert_eq!(extended(&mut caller, 17, bad, 34), -EINVAL);
        assert_eq!(extended(&mut caller, 17, 34, bad), -EINVAL);
    }
}
