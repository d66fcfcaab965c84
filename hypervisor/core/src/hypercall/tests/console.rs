use super::super::Args;
use super::super::Outcome::{self, Continue, Return};
use super::super::test_machine::{Caller, MISSING};
use crate::address::{to_u64, to_usize};
use crate::console::{ConsoleQueues, INPUT_BYTES, OUTPUT_BYTES};
use crate::guest_access::test_space::BASE;
use proptest::prelude::*;
use std::sync::LazyLock;
use xenolith_abi::errno::{E2BIG, EFAULT, ENOSYS};
use xenolith_abi::hypercall::CONSOLE_IO;

const TEXT: u64 = BASE + 0x1000 - 77;

/// Queues of which that for output is full.
static FULL: LazyLock<ConsoleQueues> = LazyLock::new(|| {
    let mut queues = ConsoleQueues::new();
    (0..OUTPUT_BYTES).for_each(|_| queues.output.push(b'.'));
    queues
});

/// Makes a call when the queue has `room`; returns what came out too.
fn piece(caller: &mut Caller, args: &Args, room: usize) -> (Outcome, Vec<u8>) {
    caller.machine.queues = FULL.clone();
    caller.machine.queues.output.consume(room);
    let outcome = caller.call_all(CONSOLE_IO.into(), args);
    let mut out = drain(caller);
    (outcome, out.split_off(OUTPUT_BYTES - room))
}

fn drain(caller: &mut Caller) -> Vec<u8> {
    let output = &mut caller.machine.queues.output;
    let mut bytes = Vec::new();
    while !output.is_empty() {
        bytes.extend(output.front());
        output.consume(output.front().len());
    }
    bytes
}

/// What the line is given for `text`.
fn on_the_line(text: &[u8]) -> Vec<u8> {
    text.iter()
        .flat_map(|byte| if *byte == b'\n' { vec![b'\r', b'\n'] } else { vec![*byte] })
        .collect()
}

/// Writes `text` with the queue at each of `rooms`, a piece each, and then empty. Returns in how
/// many pieces it went out, all of it and in order.
fn write_in_pieces(text: &[u8], rooms: impl IntoIterator<Item = usize>) -> usize {
    let mut caller = Caller::new();
    caller.put(TEXT, text);
    let count = to_u64(text.len());
    let mut args = [0, count, TEXT, 0x4444, 0x5555];
    let mut out = Vec::new();
    let enough = core::iter::repeat_n(OUTPUT_BYTES, text.len() / 1000 + 2);
    for (pieces, room) in (1..).zip(rooms.into_iter().chain(enough)) {
        let (outcome, more) = piece(&mut caller, &args, room);
        out.extend(more);
        let Continue(rest) = outcome else {
            assert_eq!((outcome, out), (Return(0), on_the_line(text)));
            return pieces;
        };
        let done = count - rest[1];
        assert_eq!(rest, [0, count - done, TEXT + done, 0x4444, 0x5555], "what is left");
        assert_eq!(out, on_the_line(&text[..to_usize(done)]), "what is done");
        args = rest;
    }
    panic!("it does not end");
}

#[test]
fn a_write_is_cut_at_any_room() {
    // Line ends take two places: text of nothing else fills what room there is.
    for every in [1, 3, 1000] {
        let text: Vec<u8> =
            (0..600_u32).map(|i| if i % every == 0 { b'\n' } else { b'a' }).collect();
        let pieces = |room: usize| write_in_pieces(&text, [room, room / 2, room]);
        assert_eq!((0..=2 * text.len()).map(pieces).max(), Some(4), "with no room nothing is done");
        assert_eq!(write_in_pieces(&text, []), 1);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_write_in_pieces_is_the_write(
        text in proptest::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..12_000),
        rooms in proptest::collection::vec(0..=OUTPUT_BYTES, 0..12),
    ) {
        write_in_pieces(&text, rooms);
    }
}

#[test]
fn a_long_write_lets_others_run_though_there_is_room() {
    for (count, units, pieces) in
        [(508, 3, 1), (509, 3, 2), (508, 0, 4), (509, 0, 5), (8000, 63, 1)]
    {
        for bit in [0, 64] {
            let mut caller = Caller::new();
            caller.put(TEXT, &vec![b'a'; count][..]);
            let args = [0, to_u64(count), TEXT, 4, 5];
            let (result, made) = caller.call_in_pieces(CONSOLE_IO | bit, &args, units);
            assert_eq!((result, made), (0, pieces), "{count} {units}");
            assert_eq!(drain(&mut caller).len(), count);
        }
    }
}

#[test]
fn counts_are_32_bits_wide() {
    for (count, text) in [(0, ""), (1 << 32, ""), (1 << 32 | 3, "abc"), (3, "abc")] {
        for command in [0, 1 << 32] {
            let mut caller = Caller::new();
            caller.put(BASE, b"abcdef");
            assert_eq!(caller.call(CONSOLE_IO, &[command, count, BASE]), Return(0));
            assert_eq!(drain(&mut caller), text.as_bytes(), "{count:#x}");
        }
    }
    assert_eq!(Caller::new().call(CONSOLE_IO, &[0, 0, 0]), Return(0), "no bytes, no pointer");
    assert_eq!(Caller::new().call(CONSOLE_IO, &[1, 0, 0]), Return(0), "no bytes, no pointer");
    for command in [2, 0xffff_ffff, 1 << 32 | 2] {
        assert_eq!(Caller::new().call(CONSOLE_IO, &[command, 1, BASE]), Return(-ENOSYS));
    }
}

#[test]
fn a_fault_comes_after_the_chunks_before_it() {
    for (before, chunks) in [(126, 0), (127, 1), (200, 1), (254, 2), (4064, 32)] {
        let mut caller = Caller::new();
        caller.put(MISSING - before, &vec![b'a'; to_usize(before)][..]);
        let mut args = [0, 5000, MISSING - before, 0, 0];
        let (mut outcome, mut out) = piece(&mut caller, &args, OUTPUT_BYTES);
        while let Continue(rest) = outcome {
            args = rest;
            let more = piece(&mut caller, &args, OUTPUT_BYTES);
            outcome = more.0;
            out.extend(more.1);
        }
        assert_eq!((outcome, out.len()), (Return(-EFAULT), 127 * chunks), "{before}");
    }
}

#[test]
fn memory_that_goes_away_between_two_pieces_is_a_fault_there() {
    let mut caller = Caller::new();
    caller.put(BASE, &[b'a'; 300]);
    let (outcome, out) = piece(&mut caller, &[0, 300, BASE, 0, 0], 2 * 127);
    assert_eq!((outcome, out.len()), (Continue([0, 173, BASE + 127, 0, 0]), 127));
    let Continue(rest) = outcome else { unreachable!() };
    caller.unmap(BASE);
    for room in [0, OUTPUT_BYTES] {
        let (outcome, out) = piece(&mut caller, &rest, room);
        assert_eq!((outcome, out.len()), (Return(-EFAULT), 0), "{room}");
    }
}

/// Puts `count` bytes into the input, wrapped round the end of the queue.
fn with_input(count: usize) -> (Caller, Vec<u8>) {
    let mut caller = Caller::new();
    let input = &mut caller.machine.queues.input;
    (0..900).for_each(|_| input.push(b'x'));
    input.consume(900);
    let bytes: Vec<u8> = (0..=250).cycle().take(count).collect();
    for byte in &bytes {
        input.push(*byte);
    }
    (caller, bytes)
}

#[test]
fn a_read_takes_what_is_there_up_to_its_count() {
    for waiting in [0, 1, 123, 124, 125, 127, 128, 500, INPUT_BYTES] {
        for count in [0, 1, 123, 124, 125, 126, 127, 128, 254, 255, 1023, 1024, 5000, 0x7fff_ffff] {
            let (mut caller, bytes) = with_input(waiting);
            caller.put(BASE, &[0xee_u8; 2048]);
            let len = waiting.min(count);
            let outcome = caller.call(CONSOLE_IO, &[1, to_u64(count), BASE]);
            assert_eq!(outcome, Return(i64::try_from(len).unwrap()), "{count} of {waiting}");
            let found: [u8; 2048] = caller.take(BASE);
            assert_eq!(found[..len], bytes[..len], "{count} of {waiting}");
            assert!(found[len..].iter().all(|byte| *byte == 0xee), "{count} of {waiting}");
            assert_eq!(caller.machine.queues.input.room(), INPUT_BYTES - (waiting - len));
        }
    }
}

#[test]
fn reads_one_after_the_other_lose_nothing() {
    let (mut caller, bytes) = with_input(1000);
    let mut found = Vec::<u8>::new();
    for count in [1, 2, 127, 300, 128, 1, 1000] {
        let Return(len @ 0..) = caller.call(CONSOLE_IO, &[1, count, BASE]) else { panic!() };
        let page: [u8; 1024] = caller.take(BASE);
        found.extend(&page[..usize::try_from(len).unwrap()]);
    }
    assert_eq!(found, bytes);
    assert_eq!(caller.call(CONSOLE_IO, &[1, 1000, BASE]), Return(0), "nothing waits");
}

#[test]
fn a_count_that_no_result_can_tell_is_refused() {
    for (count, want) in [
        (0x8000_0000, -E2BIG),
        (0xffff_ffff, -E2BIG),
        (1 << 32 | 0x8000_0000, -E2BIG),
        (1 << 32, 0),
        (1 << 32 | 2, 2),
    ] {
        let (mut caller, _) = with_input(3);
        assert_eq!(caller.call(CONSOLE_IO, &[1, count, BASE]), Return(want), "{count:#x}");
    }
}

#[test]
fn a_read_that_faults_keeps_what_it_could_not_copy() {
    for (room, taken) in [(0, 0), (10, 0), (123, 0), (124, 124), (200, 124), (254, 251)] {
        let (mut caller, bytes) = with_input(400);
        let outcome = caller.call(CONSOLE_IO, &[1, 400, MISSING - room]);
        assert_eq!(outcome, Return(-EFAULT), "{room}");
        let input = &mut caller.machine.queues.input;
        assert_eq!(INPUT_BYTES - input.room(), 400 - taken, "{room}");
        assert_eq!(input.front()[0], bytes[taken]);
    }
}

#[test]
fn a_read_finds_no_input_that_is_the_rings() {
    use crate::address::Gpa;
    use crate::console::ConsoleRing;
    let mut caller = Caller::new();
    caller.machine.queues.ring = Some(ConsoleRing::new(Gpa(u64::MAX << 12)));
    let typed = |caller: &mut Caller| (0..9).for_each(|_| caller.machine.queues.input.push(b'x'));
    typed(&mut caller);
    assert_eq!(caller.call(CONSOLE_IO, &[1, 4, BASE]), Return(4), "it does not use the ring");
    caller.machine.queues.ring_event(&mut caller.machine.memory);
    assert_eq!(caller.call(CONSOLE_IO, &[1, 4, BASE]), Return(0));
    caller.machine.queues.detach_ring();
    assert_eq!(caller.call(CONSOLE_IO, &[1, 9, BASE]), Return(5));
}
