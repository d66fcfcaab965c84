use super::super::Outcome::{Continue, Return};
use super::super::test_machine::{Caller, DOMAIN, IN_HOLE, MEMORY_PAGES, MISSING};
use crate::address::{Gfn, to_u64};
use crate::guest_access::test_space::BASE;
use proptest::prelude::*;
use xenolith_abi::domain::{IO, SELF};
use xenolith_abi::errno::{EACCES, EFAULT, EINVAL, ENOMEM, ENOSYS, EPERM, ESRCH};
use xenolith_abi::hypercall::MEMORY_OP;
use xenolith_abi::memory::{AddToPhysmap, Exchange, Reservation};
use zerocopy::IntoBytes;

const INCREASE: u64 = 0;
const DECREASE: u64 = 1;
const POPULATE: u64 = 6;
const EXCHANGE: u64 = 11;
/// All in frame 32, which the tests keep.
const ARGUMENT: u64 = BASE + 0x10;
const LIST: u64 = BASE + 0x100;
const OUTPUT: u64 = BASE + 0x800;
/// A frame with a page at `BASE`, and that page.
const FRAME: u64 = 34;
const PAGE: u64 = BASE + 0x2000;

fn reservation(list: u64, count: usize, order: u32) -> Reservation {
    Reservation {
        extent_start: list,
        nr_extents: to_u64(count),
        extent_order: order,
        mem_flags: 0,
        domid: SELF,
        padding: [0; 3],
    }
}

fn prepare(caller: &mut Caller, list: &[u64], order: u32) {
    caller.put(LIST, list.as_bytes());
    caller.put(ARGUMENT, &reservation(LIST, list.len(), order));
}

fn change(caller: &mut Caller, command: u64, list: &[u64], order: u32) -> i64 {
    prepare(caller, list, order);
    let Return(result) = caller.call(MEMORY_OP, &[command, ARGUMENT]) else { panic!("cut") };
    result
}

fn listed<const N: usize>(caller: &mut Caller) -> [u64; N] {
    caller.take(LIST)
}

fn m2p(caller: &Caller, frame: u64) -> Option<u64> {
    caller.published_word(caller.domain.hole.m2p_entry(Gfn(frame)).unwrap())
}

#[test]
fn what_is_given_back_is_gone_and_comes_back_empty() {
    let mut caller = Caller::new();
    caller.put(PAGE, b"secret");
    assert_eq!(change(&mut caller, DECREASE, &[FRAME, 20], 0), 2);
    assert_eq!(caller.call(MEMORY_OP, &[3, ARGUMENT + 24]), Return(46), "current reservation");
    assert_eq!((m2p(&caller, FRAME), m2p(&caller, 20)), (Some(u64::MAX), Some(u64::MAX)));
    assert!(caller.space().read::<u64>(crate::address::Gva(PAGE)).is_err());
    assert_eq!(change(&mut caller, POPULATE, &[0x77, 0x88, 0x99], 0), 2, "there are two only");
    assert_eq!(listed(&mut caller), [20, FRAME, 0x99]);
    assert_eq!((m2p(&caller, 20), m2p(&caller, FRAME)), (Some(0x77), Some(0x88)));
    assert_eq!(caller.take::<[u8; 4096]>(PAGE), [0; 4096]);
    assert_eq!(caller.machine.frames.owned(), MEMORY_PAGES);
    assert!(caller.machine.unmapped.is_empty());
}

#[test]
fn an_increase_may_do_without_a_list() {
    let mut caller = Caller::new();
    assert_eq!(change(&mut caller, DECREASE, &[8, 16], 2), 2);
    caller.put(ARGUMENT, &reservation(0, 1, 2));
    assert_eq!(caller.call(MEMORY_OP, &[INCREASE, ARGUMENT]), Return(1));
    assert_eq!(change(&mut caller, INCREASE, &[5], 2), 1);
    assert_eq!(listed(&mut caller), [16]);
    caller.put(ARGUMENT, &reservation(0, 1, 0));
    for command in [DECREASE, POPULATE] {
        assert_eq!(caller.call(MEMORY_OP, &[command, ARGUMENT]), Return(0), "{command}");
    }
}

#[test]
fn extents_in_front_of_a_bad_one_count() {
    for (list, order, done, owned) in [
        (&[20, 20][..], 0, 1, 47),
        (&[20, MEMORY_PAGES, 21], 0, 1, 47),
        (&[u64::MAX], 0, 0, 48),
        (&[8, 46, 12], 2, 1, 42),
        (&[u64::MAX - 1], 2, 0, 48),
    ] {
        let mut caller = Caller::new();
        assert_eq!(change(&mut caller, DECREASE, list, order), done, "{list:x?}");
        assert_eq!(caller.machine.frames.owned(), owned, "{list:x?}");
    }
    let mut caller = Caller::new();
    caller.put(MISSING - 16, &[20_u64, 21]);
    caller.put(ARGUMENT, &reservation(MISSING - 16, 3, 0));
    assert_eq!(caller.call(MEMORY_OP, &[DECREASE, ARGUMENT]), Return(2));
}

#[test]
fn what_makes_no_sense_does_nothing() {
    let good = reservation(LIST, 2, 0);
    for (wanted, first) in [
        (good, 2),
        (good, 3),
        (good, u64::MAX >> 6),
        (Reservation { nr_extents: 1 << 26, ..good }, 0),
        (Reservation { nr_extents: 0, ..good }, 0),
        (Reservation { domid: DOMAIN + 1, ..good }, 1),
        (Reservation { domid: IO, ..good }, 1),
        (Reservation { extent_order: 10, ..good }, 1),
        (Reservation { extent_order: u32::MAX, ..good }, 1),
        (Reservation { mem_flags: 12, ..good }, 1),
        (Reservation { mem_flags: 1 << 8 | 1 << 17, ..good }, 1),
        (Reservation { extent_start: IN_HOLE, ..good }, 1),
    ] {
        for command in [INCREASE, DECREASE, POPULATE] {
            let mut caller = Caller::new();
            caller.put(LIST, &[20_u64, 21]);
            caller.put(ARGUMENT, &wanted);
            let result = caller.call(MEMORY_OP, &[command | first << 6, ARGUMENT]);
            assert_eq!(result, Return(first.cast_signed()), "{command} {wanted:x?}");
            assert_eq!(caller.machine.frames.owned(), MEMORY_PAGES);
        }
    }
    for pointer in [0, MISSING, IN_HOLE] {
        assert_eq!(
            Caller::new().call(MEMORY_OP, &[5 << 6, pointer]),
            Return(5),
            "no fault is told"
        );
    }
}

#[test]
fn frames_can_be_wanted_below_an_address() {
    let mut caller = Caller::new();
    assert_eq!(change(&mut caller, DECREASE, &[20, 40], 0), 2);
    for (bits, frames) in [(16, 0), (17, 1), (17, 0), (18, 1)] {
        caller.put(ARGUMENT, &Reservation { mem_flags: bits, ..reservation(LIST, 1, 0) });
        assert_eq!(caller.call(MEMORY_OP, &[POPULATE, ARGUMENT]), Return(frames), "{bits}");
    }
    caller.put(ARGUMENT, &Reservation { mem_flags: 1 << 16, ..reservation(LIST, 1, 0) });
    assert_eq!(caller.call(MEMORY_OP, &[POPULATE, ARGUMENT]), Return(0), "not on demand");
}

#[test]
fn a_list_that_goes_away_between_two_pieces_is_a_short_count() {
    let mut caller = Caller::new();
    prepare(&mut caller, &[20, 21, 22], 0);
    caller.put(PAGE, &[20_u64, 21, 22]);
    caller.put(ARGUMENT, &reservation(PAGE, 3, 0));
    caller.machine.units = 0;
    let Continue(rest) = caller.call(MEMORY_OP, &[DECREASE, ARGUMENT, 3, 4, 5]) else { panic!() };
    assert_eq!(rest, [DECREASE | 1 << 6, ARGUMENT, 3, 4, 5]);
    caller.unmap(PAGE);
    caller.machine.units = u32::MAX;
    assert_eq!(caller.call_all(MEMORY_OP.into(), &rest), Return(1));
}

type Sides = (u32, u32, Vec<u64>, Vec<u64>);

fn exchange_argument(caller: &mut Caller, (from, to, input, output): &Sides, done: u64) {
    caller.put(LIST, input.as_bytes());
    caller.put(OUTPUT, output.as_bytes());
    let input = reservation(LIST, input.len(), *from);
    let output = reservation(OUTPUT, output.len(), *to);
    caller.put(ARGUMENT, &Exchange { input, output, nr_exchanged: done });
}

fn exchange(caller: &mut Caller, sides: &Sides) -> (i64, u64) {
    exchange_argument(caller, sides, 0);
    let Return(result) = caller.call(MEMORY_OP, &[EXCHANGE, ARGUMENT]) else { panic!("cut") };
    (result, caller.take::<Exchange>(ARGUMENT).nr_exchanged)
}

#[test]
fn extents_are_exchanged_for_others_of_the_same_sum() {
    let mut caller = Caller::new();
    assert_eq!(change(&mut caller, DECREASE, &[8], 2), 1);
    caller.put(PAGE, b"secret");
    let sides = (0, 2, vec![FRAME, 20, 46, 6], vec![0x70]);
    assert_eq!(exchange(&mut caller, &sides), (0, 4));
    assert_eq!(caller.take::<u64>(OUTPUT), 8);
    assert_eq!((m2p(&caller, 11), m2p(&caller, FRAME)), (Some(0x73), Some(u64::MAX)));
    assert_eq!(caller.machine.unmapped, [6, 20, FRAME, 46].into());
    let sides = (2, 0, vec![8], vec![1, 2, 3, 4]);
    assert_eq!(exchange(&mut caller, &sides), (0, 1));
    assert_eq!(caller.take::<[u64; 4]>(OUTPUT), [6, 20, FRAME, 46]);
    assert_eq!(caller.take::<[u8; 4096]>(PAGE), [0; 4096], "what it was is gone");
}

#[test]
fn an_exchange_that_fails_tells_how_far_it_came() {
    let with_free = |frames: &[u64]| {
        let mut caller = Caller::new();
        assert_eq!(change(&mut caller, DECREASE, frames, 0), frames.len().try_into().unwrap());
        caller
    };
    for (free, input, result) in [
        (&[][..], vec![20, 21], (-ENOMEM, 0)),
        (&[8], vec![20, 21, 22], (0, 3)),
        (&[8], vec![20, 8], (0, 2)),
        (&[8, 9], vec![20, 20], (-EINVAL, 1)),
        (&[8, 9], vec![20, MEMORY_PAGES, 21], (-EINVAL, 1)),
        (&[8, 9], vec![8, 21], (-EINVAL, 0)),
    ] {
        // A frame that was given is free for the next chunk, which then gives it again.
        let mut caller = with_free(free);
        let output = vec![1; input.len()];
        let found = exchange(&mut caller, &(0, 0, input.clone(), output));
        assert_eq!(found, result, "{free:x?} {input:x?}");
        assert_eq!(caller.machine.frames.owned(), MEMORY_PAGES - to_u64(free.len()));
        assert_eq!(caller.machine.unmapped.len(), free.len());
    }
    let mut caller = with_free(&[8, 9]);
    assert_eq!(
        exchange(&mut caller, &(0, 1, vec![20, 20], vec![1])),
        (-EINVAL, 0),
        "twice in a chunk"
    );
    assert_eq!(caller.machine.unmapped, [8, 9].into());
}

/// Begins an exchange of four frames for one extent, and cuts it inside; two frames are left.
fn cut_exchange() -> (Caller, crate::hypercall::Args) {
    let mut caller = Caller::new();
    assert_eq!(change(&mut caller, DECREASE, &[8], 2), 1);
    exchange_argument(&mut caller, &(0, 2, vec![20, 21, 22, 23], vec![0x70]), 0);
    let mut args = [EXCHANGE, ARGUMENT, 3, 4, 5];
    while caller.take::<Exchange>(ARGUMENT).nr_exchanged < 2 {
        caller.machine.units = 0;
        let Continue(left) = caller.call_all(MEMORY_OP.into(), &args) else { panic!("not cut") };
        args = left;
    }
    assert_eq!(args, [EXCHANGE | (8 + 1) << 6, ARGUMENT, 3, 4, 5], "the extent is reserved");
    caller.machine.units = u32::MAX;
    (caller, args)
}

#[test]
fn what_changes_in_the_middle_of_a_chunk_is_an_error_and_loses_nothing() {
    let (mut caller, args) = cut_exchange();
    assert_eq!(caller.call_all(MEMORY_OP.into(), &args), Return(0));
    assert_eq!(caller.machine.unmapped, [20, 21, 22, 23].into());
    // A frame that is not there any more; the extent; the list.
    let (mut caller, args) = cut_exchange();
    caller.put(LIST + 24, &1000_u64);
    assert_eq!(caller.call_all(MEMORY_OP.into(), &args), Return(-EINVAL));
    assert_eq!(caller.take::<Exchange>(ARGUMENT).nr_exchanged, 0, "of whole chunks");
    assert_eq!(caller.machine.frames.owned(), MEMORY_PAGES - 7);
    assert_eq!(caller.machine.unmapped, [8, 9, 10, 11, 20, 21, 22].into());
    let (mut caller, args) = cut_exchange();
    let other = [EXCHANGE | (12 + 1) << 6, args[1], 3, 4, 5];
    caller.put(LIST + 16, &12_u64);
    assert_eq!(caller.call_all(MEMORY_OP.into(), &other), Return(-EINVAL), "it gives that itself");
    let (mut caller, mut args) = cut_exchange();
    caller.put(PAGE, &[20_u64, 21, 22, 23]);
    let mut argument: Exchange = caller.take(ARGUMENT);
    argument.input.extent_start = PAGE;
    caller.put(ARGUMENT, &argument);
    caller.unmap(PAGE);
    args[2] = 7;
    assert_eq!(caller.call_all(MEMORY_OP.into(), &args), Return(-EFAULT));
    assert_eq!(caller.machine.unmapped, [8, 9, 10, 11, 20, 21].into());
}

#[test]
fn exchanges_that_make_no_sense_are_refused() {
    let good = (0, 0, vec![20, 21], vec![1, 2]);
    for (order, domain, done, list, error) in [
        (10, SELF, 0, LIST, EPERM),
        (1, SELF, 0, LIST, EINVAL),
        (0, DOMAIN + 1, 0, LIST, EINVAL),
        (0, SELF, 3, LIST, EINVAL),
        (0, SELF, 0, IN_HOLE, EFAULT),
    ] {
        let mut caller = Caller::new();
        exchange_argument(&mut caller, &good, done);
        let mut argument: Exchange = caller.take(ARGUMENT);
        argument.input.extent_order = order;
        (argument.input.domid, argument.input.extent_start) = (domain, list);
        caller.put(ARGUMENT, &argument);
        assert_eq!(caller.call(MEMORY_OP, &[EXCHANGE, ARGUMENT]), Return(-error), "{argument:x?}");
        argument.output.domid = domain;
        caller.put(ARGUMENT, &argument);
        let want = if domain == SELF { -error } else { -ESRCH };
        assert_eq!(caller.call(MEMORY_OP, &[EXCHANGE, ARGUMENT]), Return(want), "{argument:x?}");
    }
    assert_eq!(Caller::new().call(MEMORY_OP, &[EXCHANGE | 1 << 6, 0]), Return(-EFAULT));
    assert_eq!(Caller::new().call(MEMORY_OP, &[EXCHANGE, 0]), Return(-EFAULT));
}

#[test]
fn the_physical_map_is_not_the_guest_s() {
    for (space, domain, error) in [
        (0, SELF, EACCES),
        (1, DOMAIN, EACCES),
        (4, SELF, ENOSYS),
        (2, 0, ESRCH),
        (9, SELF, EACCES),
    ] {
        let mut caller = Caller::new();
        caller.put(BASE, &AddToPhysmap { domid: domain, size: 0, space, idx: 0, gpfn: 0 });
        assert_eq!(caller.call(MEMORY_OP, &[7, BASE]), Return(-error), "{space}");
        let want = if domain == 0 { ESRCH } else { EACCES };
        assert_eq!(caller.call(MEMORY_OP, &[15, BASE]), Return(-want));
    }
    assert_eq!(Caller::new().call(MEMORY_OP, &[15 | 1 << 6, BASE]), Return(-EINVAL));
}

/// Makes the calls one after the other, each cut after `units` denials.
fn all_of(steps: &[(u64, u32, Vec<u64>)], units: u32, bit: u32) -> (Caller, Vec<i64>) {
    let mut caller = Caller::new();
    caller.put(PAGE, &[0xaa_u8; 4096]);
    let results = steps.iter().map(|(command, order, list)| {
        if *command == EXCHANGE {
            // Frame by frame for what the list says, which is a frame number too.
            exchange_argument(&mut caller, &(0, 0, list.clone(), list.clone()), 0);
        } else {
            prepare(&mut caller, list, *order);
        }
        let args = [*command, ARGUMENT, 3, 4, 5];
        caller.call_in_pieces(MEMORY_OP | bit, &args, units).0
    });
    let results = results.collect();
    // What a list that failed has left to be zeroed, the next call zeroes.
    assert_eq!(caller.call(MEMORY_OP, &[DECREASE, 0]), Return(0));
    (caller, results)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Any changes, cut anywhere: the same results, frames, memory and table as in one piece.
    #[test]
    fn changes_in_pieces_are_the_changes(
        steps in proptest::collection::vec((
            prop_oneof![
1 => Just(INCREASE), 3 => Just(DECREASE), 2 => Just(POPULATE), 1 => Just(EXCHANGE)],
            0_u32..4,
            proptest::collection::vec(prop_oneof![5_u64..25, 33_u64..50], 0..9),
        ), 1..6),
        units in 0_u32..12,
    ) {
        let (uncut, want) = all_of(&steps, u32::MAX, 0);
        for bit in [0, 64] {
            let (caller, found) = all_of(&steps, units, bit);
            prop_assert_eq!(&found, &want);
            prop_assert_eq!(&caller.machine.memory, &uncut.machine.memory);
            prop_assert_eq!(&caller.machine.unmapped, &uncut.machine.unmapped);
            prop_assert_eq!(&caller.machine.published, &uncut.machine.published);
            prop_assert_eq!(caller.machine.frames.dirty(), None);
            let unmapped = to_u64(caller.machine.unmapped.len());
            prop_assert_eq!(caller.machine.frames.owned(), MEMORY_PAGES - unmapped);
        }
    }

    /// Any exchange, cut anywhere: as in one piece.
    #[test]
    fn exchanges_in_pieces_are_the_exchanges(
        free in proptest::sample::subsequence(vec![8_u64, 12, 16, 20], 0..=4),
        (from, to) in (0_u32..3, 0_u32..3),
        input in proptest::collection::vec(prop_oneof![5_u64..25, 33_u64..50], 0..9),
        units in 0_u32..12,
    ) {
        let whole = input.len() >> to.saturating_sub(from) << to.saturating_sub(from);
        let input = input[..whole].to_vec();
        let output: Vec<u64> = (100..).take(whole << from >> to).collect();
        let run = |units: u32, bit: u32| {
            let mut caller = Caller::new();
            caller.put(PAGE, &[0xaa_u8; 4096]);
            assert_eq!(change(&mut caller, DECREASE, &free, 2), free.len().try_into().unwrap());
            exchange_argument(&mut caller, &(from, to, input.clone(), output.clone()), 0);
            let args = [EXCHANGE, ARGUMENT, 3, 4, 5];
            let (result, _) = caller.call_in_pieces(MEMORY_OP | bit, &args, units);
            // What failed has left something to be zeroed, which the next call does.
            assert_eq!(caller.call(MEMORY_OP, &[DECREASE, 0]), Return(0));
            (result, caller)
        };
        let (want, uncut) = run(u32::MAX, 0);
        let unmapped = to_u64(uncut.machine.unmapped.len());
        prop_assert_eq!(uncut.machine.frames.owned(), MEMORY_PAGES - unmapped);
        prop_assert_eq!(unmapped, 4 * to_u64(free.len()), "as many as before");
        for bit in [0, 64] {
            let (found, caller) = run(units, bit);
            prop_assert_eq!(found, want);
            prop_assert_eq!(&caller.machine.memory, &uncut.machine.memory);
            prop_assert_eq!(&caller.machine.unmapped, &uncut.machine.unmapped);
            prop_assert_eq!(&caller.machine.published, &uncut.machine.published);
            prop_assert_eq!(caller.machine.frames.owned(), uncut.machine.frames.owned());
        }
    }

    /// A guest that makes up how far a call has come gets a number, or changes its own memory; it
    /// reaches no frame that it does not have, nor one that has not been zeroed.
    #[test]
    fn made_up_progress_is_harmless(
        command in prop_oneof![Just(INCREASE), Just(DECREASE), Just(POPULATE), Just(EXCHANGE)],
        progress in prop_oneof![0_u64..50, any::<u64>()],
        done in prop_oneof![0_u64..5, any::<u64>()],
        (from, to) in (0_u32..3, 0_u32..3),
        bytes in proptest::option::of(any::<[u8; 32]>()),
    ) {
        let mut caller = Caller::new();
        assert_eq!(change(&mut caller, DECREASE, &[8, 16], 2), 2);
        let input = [20, 21, 12, 16, 24].into_iter().cycle().take(8 >> from).collect();
        exchange_argument(&mut caller, &(from, to, input, vec![1; 8 >> to]), done);
        if let Some(bytes) = bytes {
            caller.put(ARGUMENT, &bytes);
        }
        let mut args = [command | progress << 6, ARGUMENT, 3, 4, 5];
        for _ in 0..50 {
            caller.machine.units = 0;
            let Continue(left) = caller.call_all(MEMORY_OP.into(), &args) else { break };
            args = left;
            for gfn in 0..MEMORY_PAGES {
                let is_reached = !caller.machine.unmapped.contains(&gfn);
                prop_assert!(!is_reached || caller.machine.frames.owns(Gfn(gfn)), "{gfn:#x}");
            }
        }
    }
}

#[test]
fn an_exchange_of_more_than_there_can_be_is_refused() {
    for extents in [(1 << 32) + 1, 1 << 40, 1 << 62, u64::MAX] {
        let mut caller = Caller::new();
        let side = || Reservation { nr_extents: extents, ..reservation(LIST, 1, 0) };
        let exchange = Exchange { input: side(), output: side(), nr_exchanged: extents / 2 };
        caller.put(ARGUMENT, &exchange);
        assert_eq!(caller.call(MEMORY_OP, &[EXCHANGE, ARGUMENT]), Return(-EINVAL), "{extents:#x}");
    }
}

#[test]
fn a_list_of_ports_may_end_with_the_address_space() {
    use xenolith_abi::hypercall::SCHED_OP;
    use xenolith_abi::sched::{POLL, Poll};
    let mut caller = Caller::new();
    for (at, entry) in [(0x2ff8, 0x3003), (0x3ff8, 0x4003), (0x4ff8, (37 << 12) | 3)] {
        caller.machine.memory.poke(at, entry);
    }
    let mut poll: Poll = zerocopy::FromZeros::new_zeroed();
    (poll.ports, poll.nr_ports) = (u64::MAX - 3, 2);
    caller.put(ARGUMENT, &poll);
    // Port 0, which was read, is refused before the page behind it.
    assert_eq!(caller.call(SCHED_OP, &[POLL.into(), ARGUMENT]), Return(-EINVAL));
}
