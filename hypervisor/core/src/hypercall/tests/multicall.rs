use super::super::Outcome::{self, Continue, Iret, Pause, Return, Shutdown};
use super::super::test_machine::{Caller, IN_HOLE, MISSING, READ_ONLY};
use super::super::{Pause as Wait, SegmentBase, Then};
use crate::address::{Gva, to_u64};
use crate::guest_access::test_space::BASE;
use crate::shutdown::ShutdownReason;
use xenolith_abi::errno::{EAGAIN, EFAULT, EINVAL, ENOSYS};
use xenolith_abi::hypercall as abi;
use xenolith_abi::mmu::{INVLPG_LOCAL, MmuextOp};
use xenolith_abi::multicall::MulticallEntry;
use zerocopy::IntoBytes;

const LIST: u64 = BASE + 0x100;
/// What an entry's result is before the call.
const UNSET: u64 = 0x5555_5555;

fn entry(op: u32, given: &[u64]) -> MulticallEntry {
    let mut args = [0xbad0_bad0; 6];
    args[..given.len()].copy_from_slice(given);
    MulticallEntry { op: op.into(), result: UNSET, args }
}

fn list(caller: &mut Caller, entries: &[MulticallEntry]) -> Outcome {
    caller.put(LIST, entries.as_bytes());
    caller.call(abi::MULTICALL, &[LIST, to_u64(entries.len()), 3, 4, 5])
}

fn results<const N: usize>(caller: &mut Caller) -> [i64; N] {
    core::array::from_fn(|i| {
        let entry: MulticallEntry = caller.take(LIST + 64 * to_u64(i));
        entry.result.cast_signed()
    })
}

#[test]
fn entries_are_calls_and_their_errors_end_nothing() {
    let mut caller = Caller::new();
    let entries = [
        entry(abi::XEN_VERSION, &[0]),
        entry(0x1234, &[]),
        entry(abi::XEN_VERSION, &[1, 0]),
        entry(abi::MULTICALL, &[LIST, 1]),
        entry(abi::MULTICALL | 64, &[LIST, 1]),
        entry(abi::STACK_SWITCH, &[0xe058, 0x7777]),
        entry(abi::SET_SEGMENT_BASE, &[1, 0x8888]),
        entry(abi::SET_SEGMENT_BASE, &[0, 1 << 47]),
        entry(abi::SET_SEGMENT_BASE, &[3, 0]),
        entry(abi::SET_SEGMENT_BASE, &[4, 0]),
        entry(abi::XEN_VERSION, &[7, 0]),
    ];
    assert_eq!(list(&mut caller, &entries), Return(0));
    let want =
        [0x4_0011, -ENOSYS, -EFAULT, -EINVAL, -EINVAL, 0, 0, -EINVAL, -ENOSYS, -EINVAL, 4096];
    assert_eq!(results(&mut caller), want);
    assert_eq!(caller.machine.bases, [(SegmentBase::UserGs, Gva(0x8888))]);
    let (_, kernel_sp) = caller.machine.published.last().unwrap();
    assert_eq!(kernel_sp, &0x7770_u64.to_le_bytes(), "a stack for entries is aligned");
}

#[test]
fn bad_lists_are_refused() {
    for (address, count, want) in [
        (0, 1, -EFAULT),
        (IN_HOLE, 1, -EFAULT),
        (IN_HOLE, 0, -EFAULT),
        (0, 0, 0),
        (0, 1 << 32, 0),
        (MISSING - 63, 1, -EFAULT),
        (READ_ONLY, 1, -EFAULT),
    ] {
        let outcome = Caller::new().call(abi::MULTICALL, &[address, count]);
        assert_eq!(outcome, Return(want), "{address:#x}");
    }
}

#[test]
fn a_list_that_leaves_memory_fails_behind_the_entries_before() {
    let mut caller = Caller::new();
    let at = MISSING - 128;
    caller.put(at, [entry(abi::XEN_VERSION, &[0]), entry(abi::XEN_VERSION, &[7, 0])].as_bytes());
    assert_eq!(caller.call(abi::MULTICALL, &[at, 3]), Return(-EFAULT));
    let entries: [MulticallEntry; 2] = caller.take(at);
    assert_eq!(entries.map(|entry| entry.result), [0x4_0011, 4096]);
}

/// A list of which the third entry is a list itself, of what `mmuext_op` does.
fn nested(caller: &mut Caller) -> [MulticallEntry; 5] {
    let requests: [MmuextOp; 6] = core::array::from_fn(|i| MmuextOp {
        cmd: INVLPG_LOCAL,
        padding: 0,
        arg1: 0x1000 * to_u64(i),
        arg2: 0,
    });
    caller.put(BASE + 0x800, requests.as_bytes());
    [
        entry(abi::XEN_VERSION, &[7, 0]),
        entry(abi::STACK_SWITCH, &[0, 1]),
        entry(abi::MMUEXT_OP, &[BASE + 0x800, 6, BASE + 0x40, 0x7ff0]),
        entry(abi::XEN_VERSION, &[0]),
        entry(abi::MMUEXT_OP, &[BASE + 0x800, 2, BASE + 0x48, 0x7ff0]),
    ]
}

#[test]
fn a_list_cut_anywhere_is_the_list() {
    let mut uncut = Caller::new();
    let entries = nested(&mut uncut);
    assert_eq!(list(&mut uncut, &entries), Return(0));
    let want = results::<5>(&mut uncut);
    assert_eq!(want, [4096, 0, 0, 0x4_0011, 0]);
    for units in 0..12 {
        for bit in [0, 64] {
            let mut caller = Caller::new();
            let entries = nested(&mut caller);
            caller.put(LIST, entries.as_bytes());
            let args = [LIST, 5, 3, 4, 5];
            let (result, pieces) = caller.call_in_pieces(abi::MULTICALL | bit, &args, units);
            assert_eq!(result, 0, "{units}");
            // Ten questions: four between entries, and behind all requests but the last of each.
            assert_eq!(pieces > 1, units < 10, "{units}");
            assert_eq!(results(&mut caller), want, "{units}");
            assert_eq!(caller.machine.flushed, uncut.machine.flushed, "{units}");
            assert_eq!(caller.take::<[u32; 4]>(BASE + 0x40), [6, 0, 2, 0], "{units}");
        }
    }
}

#[test]
fn what_is_left_of_an_entry_is_in_the_entry() {
    let mut caller = Caller::new();
    let entries = nested(&mut caller);
    caller.machine.units = 4;
    assert_eq!(list(&mut caller, &entries), Continue([LIST + 128, 3, 3, 4, 5]));
    assert_eq!(results(&mut caller), [4096, 0, UNSET.cast_signed()]);
    let third: MulticallEntry = caller.take(LIST + 128);
    let left = [BASE + 0x800 + 3 * 24, 1 << 31 | 3, BASE + 0x40, 0x7ff0, 0xbad0_bad0, 0xbad0_bad0];
    assert_eq!((third.op, third.args), (abi::MMUEXT_OP.into(), left));
    // The list goes away: what was done is counted, and nothing is done twice.
    caller.unmap(LIST);
    let outcome = caller.call(abi::MULTICALL, &[LIST + 128, 3]);
    assert_eq!(outcome, Return(-EFAULT));
    assert_eq!(caller.machine.flushed.len(), 3);
}

#[test]
fn an_entry_may_ask_not_to_be_restarted() {
    let mut caller = Caller::new();
    let mut entries = nested(&mut caller);
    entries[2].op |= 64;
    // The question behind the third request, and no other.
    caller.machine.cut_at = Some(4);
    assert_eq!(list(&mut caller, &entries), Return(0));
    assert_eq!(results(&mut caller), [4096, 0, -EAGAIN, 0x4_0011, 0]);
    let third: MulticallEntry = caller.take(LIST + 128);
    assert_eq!(third.args[..2], [BASE + 0x800 + 3 * 24, 1 << 31 | 3]);
    assert_eq!(caller.call(third.op, &third.args[..5]), Return(0), "as it stands, it goes on");
    assert_eq!(caller.take::<u32>(BASE + 0x40), 6);
}

#[test]
fn a_wait_in_a_list_comes_before_the_next_entry() {
    let mut caller = Caller::new();
    let entries = [entry(abi::SCHED_OP, &[1, 0]), entry(abi::XEN_VERSION, &[0])];
    let rest = [LIST + 64, 1, 3, 4, 5];
    assert_eq!(list(&mut caller, &entries), Pause(Wait::Block, Then::Continue(rest)));
    assert_eq!(results(&mut caller), [0, UNSET.cast_signed()]);
    let outcome = caller.call(abi::MULTICALL | 64, &[LIST, 2, 3, 4, 5]);
    assert_eq!(outcome, Pause(Wait::Block, Then::Again(rest)));
    assert_eq!(list(&mut caller, &entries[..1]), Outcome::Block);
    let entries = [entry(abi::SCHED_OP, &[0, 0]), entry(abi::XEN_VERSION, &[0])];
    assert_eq!(list(&mut caller, &entries), Pause(Wait::Yield, Then::Continue(rest)));
    assert_eq!(list(&mut caller, &entries[..1]), Outcome::Yield);
}

#[test]
fn a_way_out_ends_the_list() {
    let mut caller = Caller::new();
    let entries =
        [entry(abi::XEN_VERSION, &[0]), entry(abi::IRET, &[]), entry(abi::XEN_VERSION, &[0])];
    assert_eq!(list(&mut caller, &entries), Iret);
    assert_eq!(results(&mut caller), [0x4_0011, UNSET.cast_signed(), UNSET.cast_signed()]);
    caller.put(BASE, &1_u32);
    let entries = [entry(abi::SCHED_OP, &[2, BASE]), entry(abi::XEN_VERSION, &[0])];
    assert_eq!(list(&mut caller, &entries), Shutdown(ShutdownReason::Reboot));
    assert_eq!(results(&mut caller), [UNSET.cast_signed(); 2]);
}
