//! The rings: messages in pieces, full rings, and guests that lie.

use super::*;
use crate::byte_ring::NoRing;
use proptest::prelude::*;

fn message(type_: u32, req_id: u32, payload: &str) -> Vec<u8> {
    let len = u32::try_from(payload.len()).unwrap();
    [Message { type_, req_id, tx_id: 0, len }.as_bytes(), payload.as_bytes()].concat()
}

#[test]
fn a_header_is_taken_before_its_payload_is_there() {
    let mut guest = Guest::new();
    let bytes = message(abi::READ, 7, "domid\0");
    guest.put(&bytes[..16]);
    assert!(guest.serve().moved, "the header has been taken");
    assert_eq!(guest.index(REQ_CONS), guest.index(REQ_PROD));
    assert_eq!(guest.receive(), None);
    guest.put(&bytes[16..]);
    assert!(guest.serve().moved);
    let reply = guest.receive().unwrap();
    assert_eq!((reply.header.req_id, reply.payload.as_slice()), (7, &b"1"[..]));
    assert_eq!(guest.serve(), Served::default(), "nothing to do");
}

#[test]
fn many_requests_are_served_in_several_goes() {
    let mut guest = Guest::new();
    let bytes: Vec<u8> = (0..30).flat_map(|n| message(abi::READ, n, "domid\0")).collect();
    assert_eq!(guest.put(&bytes), bytes.len());
    let first = guest.serve();
    assert!(first.moved && first.unfinished);
    let mut goes = 1;
    while guest.serve().unfinished {
        goes += 1;
    }
    assert!(goes > 2, "{goes}");
    for n in 0..30 {
        assert_eq!(guest.receive().unwrap().header.req_id, n);
    }
}

#[test]
fn a_full_ring_of_replies_holds_up_requests() {
    let mut guest = Guest::new();
    let value = "v".repeat(900);
    assert_eq!(guest.ask(abi::WRITE, &format!("data/x\0{value}")), ok("OK\0"));
    for n in 0..3 {
        guest.put(&message(abi::READ, n, "data/x\0"));
    }
    while guest.serve().unfinished {}
    assert_eq!(guest.index(RSP_PROD).wrapping_sub(guest.index(RSP_CONS)), 1024, "it is full");
    assert_eq!(guest.serve(), Served::default());
    for n in 0..3 {
        let reply = guest.receive().or_else(|| {
            guest.serve();
            guest.receive()
        });
        assert_eq!(reply.unwrap().header.req_id, n);
    }
}

#[test]
fn indices_run_freely() {
    let mut guest = Guest::new();
    for at in [REQ_CONS, REQ_PROD, RSP_CONS, RSP_PROD] {
        guest.set(at, u32::MAX - 20);
    }
    for _ in 0..100 {
        assert_eq!(guest.ask(abi::READ, "domid\0"), ok("1"));
    }
}

#[test]
fn an_index_that_cannot_be_true_closes_the_connection() {
    for (at, why) in [
        (REQ_PROD, Closed::Requests(NoRing::WrongIndex { consumer: 0, producer: 1025 })),
        (RSP_PROD, Closed::Replies(NoRing::WrongIndex { consumer: 0, producer: 1025 })),
    ] {
        let mut guest = Guest::new();
        guest.put(&message(abi::READ, 0, "domid\0"));
        guest.set(at, 1025);
        let served = guest.serve();
        assert_eq!(served, Served { moved: true, closed: Some(why), ..Served::default() });
        assert_eq!(guest.index(ERROR), abi::ERROR_RINGIDX);
        assert!(why.to_string().contains("_cons 0x0, "), "{why}");
        guest.set(at, 0);
        assert_eq!(guest.serve(), Served::default(), "it stays closed");
    }
}

#[test]
fn a_request_that_is_too_long_closes_the_connection() {
    for len in [4097, u32::MAX] {
        let mut guest = Guest::new();
        let header = Message { type_: abi::READ, req_id: 0, tx_id: 0, len };
        guest.put(header.as_bytes());
        assert_eq!(guest.serve().closed, Some(Closed::TooLong { bytes: len }));
        assert_eq!(guest.index(ERROR), abi::ERROR_PROTO);
    }
    let mut guest = Guest::new();
    let payload = [&b"data/x\0"[..], &[b'v'; 4096 - 7]].concat();
    assert_eq!(guest.request_in(0, abi::WRITE, &payload).payload, b"ENOSPC\0", "the longest");
}

#[test]
fn a_closed_connection_can_be_opened_again() {
    let mut guest = Guest::new();
    assert_eq!(guest.index(FEATURES), 3);
    assert_eq!(guest.ask(abi::WATCH, "data\0t\0"), ok("OK\0"));
    assert_eq!(guest.ask(abi::TRANSACTION_START, "\0"), ok("1\0"));
    guest.take_events();
    guest.set(REQ_PROD, u32::MAX);
    assert!(guest.serve().closed.is_some());
    guest.set(CONNECTION, abi::RECONNECT);
    assert!(guest.serve().moved);
    for at in [REQ_CONS, REQ_PROD, RSP_CONS, RSP_PROD, CONNECTION, ERROR] {
        assert_eq!(guest.index(at), 0);
    }
    guest.partial.clear();
    assert_eq!(guest.ask(abi::WRITE, "data\0"), ok("OK\0"));
    assert_eq!(guest.take_events(), [], "watches are gone");
    assert_eq!(guest.ask_in(1, abi::READ, "domid\0"), err("ENOENT"), "and transactions");
}

#[test]
fn a_page_that_is_not_there_closes_the_connection() {
    let mut guest = Guest::new();
    guest.memory.hide(3);
    assert_eq!(guest.serve().closed, Some(Closed::Requests(NoRing::NoMemory)));
    assert_eq!(guest.serve(), Served::default());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn messages_may_come_and_go_in_any_pieces(
        puts in proptest::collection::vec(1usize..200, 1..40),
        takes in proptest::collection::vec(1u32..200, 1..40),
        start in any::<u32>(),
    ) {
        let mut guest = Guest::new();
        for at in [REQ_CONS, REQ_PROD, RSP_CONS, RSP_PROD] {
            guest.set(at, start);
        }
        let value = "v".repeat(300);
        let mut bytes = message(abi::WRITE, 0, &format!("data/x\0{value}"));
        bytes.extend((1..20).flat_map(|n| message(abi::READ, n, "data/x\0")));
        let mut received = Vec::new();
        // There are some 6800 bytes, and each piece may have one.
        let pieces = puts.iter().cycle().zip(takes.iter().cycle()).take(8000);
        for (put, take) in pieces {
            let piece = bytes.len().min(*put);
            let sent = guest.put(&bytes[..piece]);
            bytes.drain(..sent);
            prop_assert_eq!(guest.serve().closed, None);
            received.extend(guest.take(*take));
        }
        let mut expected = message(abi::WRITE, 0, "OK\0");
        expected.extend((1..20).flat_map(|n| message(abi::READ, n, &value)));
        prop_assert!(bytes.is_empty());
        prop_assert_eq!(received, expected);
    }

    #[test]
    fn no_page_hurts_the_store(
        words in proptest::collection::vec((0u64..262, any::<u64>()), 1..200),
        indices in proptest::array::uniform4(any::<u32>()),
        serves in 1usize..20,
    ) {
        let mut guest = Guest::new();
        for (word, value) in words {
            guest.memory.poke(PAGE + 8 * word, value);
        }
        for (at, index) in [REQ_CONS, REQ_PROD, RSP_CONS, RSP_PROD].into_iter().zip(indices) {
            guest.set(at, index);
            guest.serve();
        }
        for _ in 0..serves {
            guest.serve();
        }
        prop_assert_eq!(guest.store.read(b"/local/domain/1/name").unwrap(), b"guest");
    }

    #[test]
    fn no_request_hurts_the_store(
        requests in proptest::collection::vec(
            (0u32..30, 0u32..4, proptest::collection::vec(prop_oneof![
                Just(b'\0'), Just(b'/'), Just(b'a'), Just(b'1'), any::<u8>()
            ], 0..60)), 1..60),
    ) {
        let mut guest = Guest::new();
        for (type_, transaction, payload) in requests {
            guest.request_in(transaction, type_, &payload);
        }
        prop_assert_eq!(guest.ask(abi::READ, "name\0"), ok("guest"));
    }
}
