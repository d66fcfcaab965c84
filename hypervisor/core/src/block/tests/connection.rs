//! How the two ends find each other, and part.

use super::*;
use crate::address::DomId;
use crate::block::nodes::BackEnd;

#[test]
fn the_back_end_waits_and_says_what_it_has() {
    let guest = Guest::new();
    for (node, value) in [
        ("state", "2"),
        ("frontend", "/local/domain/1/device/vbd/51712"),
        ("frontend-id", "1"),
        ("dev", "xvda"),
        ("mode", "w"),
        ("sectors", "4096"),
        ("sector-size", "512"),
        ("info", "0"),
        ("feature-flush-cache", "1"),
        ("feature-max-indirect-segments", "256"),
        ("feature-barrier", "0"),
    ] {
        assert_eq!(guest.said(node), value, "{node}");
    }
    let read = |path: &[u8]| guest.store.read(path).unwrap();
    assert_eq!(read(b"/local/domain/1/device/vbd/51712/virtual-device"), b"51712");
    let backend = read(b"/local/domain/1/device/vbd/51712/backend");
    assert_eq!(backend, b"/local/domain/0/backend/vbd/1/51712");
}

#[test]
fn a_connection_comes_and_goes() {
    let mut guest = Guest::new();
    let (permitted, in_use) = (GTF_PERMIT_ACCESS, GTF_READING | GTF_WRITING);
    for _ in 0..3 {
        guest.enter(1);
        assert_eq!(guest.said("state"), "2");
        guest.connect();
        assert_eq!(guest.said("state"), "4");
        assert_eq!(guest.flags(RING), u64::from(permitted | in_use), "the ring is in use");
        assert_eq!(guest.channels.service_port(Service::Block), Some(guest.port));
        assert!(!guest.enter(4), "connected already");
        assert_eq!(guest.said("state"), "4");
        guest.enter(5);
        assert_eq!(guest.said("state"), "5");
        assert_eq!(guest.status(request(OP_FLUSH_DISKCACHE, 0, &[]).as_bytes()), RSP_OKAY);
        guest.enter(6);
        assert_eq!(guest.said("state"), "6");
        assert_eq!(guest.flags(RING), u64::from(permitted));
        let record = guest.channels.ports().record(guest.port).unwrap();
        assert_eq!(record.binding(), Binding::Unbound(DomId(0)));
    }
    assert!(guest.logged.is_empty());
}

#[test]
fn a_front_end_may_begin_anew_or_vanish() {
    let mut guest = Guest::connected();
    guest.enter(1);
    assert_eq!((guest.said("state"), guest.flags(RING)), ("2".into(), 1));
    guest.connect();
    guest.say("state", "x");
    guest.with(BlockDevice::front_end_changed);
    assert_eq!((guest.said("state"), guest.flags(RING)), ("6".into(), 1));
    assert_eq!(guest.logged, ["the front end's state is no number: \"x\""]);
}

#[test]
fn a_front_end_that_closes_may_begin_anew_with_another_ring() {
    let mut guest = Guest::connected();
    guest.enter(5);
    guest.say("ring-ref", "8");
    assert!(guest.enter(4), "it may have requests");
    assert_eq!(guest.said("state"), "4");
    assert_eq!(guest.flags(RING), u64::from(GTF_PERMIT_ACCESS), "the old ring is let go of");
    assert_ne!(guest.flags(8), u64::from(GTF_PERMIT_ACCESS), "the new one is in use");
    assert_eq!(guest.channels.service_port(Service::Block), Some(guest.port));
}

#[test]
fn a_state_is_told_once() {
    let mut guest = Guest::connected();
    for state in [5, 6] {
        guest.enter(state);
        let path = format!("{}/state", BackEnd(DOMAIN));
        guest.store.write(path.as_bytes(), b"as it was").unwrap();
        guest.enter(state);
        assert_eq!(guest.said("state"), "as it was", "{state}");
    }
    guest.enter(1);
    assert_eq!(guest.said("state"), "2");
}

#[test]
fn a_port_that_the_guest_closes_is_no_matter() {
    let mut guest = Guest::connected();
    // As `EVTCHNOP_close` does.
    guest.channels.disconnect_service(Service::Block);
    assert_eq!(guest.status(request(OP_FLUSH_DISKCACHE, 0, &[]).as_bytes()), RSP_OKAY);
    guest.enter(6);
    assert_eq!(guest.said("state"), "6");
}

#[test]
fn what_a_front_end_says_in_error_is_told_and_closes_the_device() {
    for (node, value, line) in [
        ("protocol", "x86_32-abi", "unknown fe protocol; x86_64-abi is the one there is"),
        ("ring-page-order", "1", "ring-page-order is more than 0"),
        ("num-ring-pages", "2", "num-ring-pages is more than 1"),
        ("multi-queue-num-queues", "4", "multi-queue-num-queues is more than 1"),
        ("ring-ref", "", "ring-ref is no number"),
        ("ring-ref", "-1", "ring-ref is no number"),
        ("event-channel", "99999999999", "event-channel is no number"),
        ("event-channel", "0", "event-channel 0 does not wait for domain 0"),
        ("event-channel", "77", "event-channel 77 does not wait for domain 0"),
        ("event-channel", "4294967295", "event-channel 4294967295 does not wait for domain 0"),
        ("ring-ref", "600", "mapping ring-ref 600: grant 600 is beyond the end of the table"),
        ("ring-ref", "100", "mapping ring-ref 100: grant 100 does not let domain 0 write: flags"),
        ("ring-ref", "6", "ring-ref 6: the ring's page is no memory that can be written"),
        ("state", "7", "saw state 7 at frontend"),
    ] {
        let mut guest = Guest::new();
        guest.connect();
        guest.enter(6);
        guest.enter(1);
        guest.say(node, value);
        let state = if node == "state" { 7 } else { 3 };
        assert!(!guest.enter(state));
        assert_eq!(guest.said("state"), "5", "{node} {value}");
        assert!(guest.logged[0].contains(line), "{:?}: {line}", guest.logged);
        let table = guest.page(TABLE);
        assert!(table.chunks(8).all(|entry| entry[0] & 0x18 == 0), "no grant is in use");
        assert_eq!(guest.channels.service_port(Service::Block), None);
        let error = guest.store.read(b"/local/domain/0/error/backend/vbd/1/51712/error").unwrap();
        assert!(line.as_bytes().starts_with(&error[..10]));
    }
}

#[test]
fn a_ring_that_cannot_be_is_not_connected_to() {
    let mut guest = Guest::new();
    guest.connect();
    guest.enter(6);
    guest.enter(1);
    guest.set_ring([40, 0, 7, 0]);
    guest.enter(3);
    assert_eq!(guest.said("state"), "5");
    assert!(guest.logged[0].contains("ring-ref 3: more requests than the ring holds"));
}

#[test]
fn numbers_may_end_with_a_nul() {
    let mut guest = Guest::new();
    guest.connect();
    guest.enter(6);
    guest.enter(1);
    guest.say("ring-ref", "3\0");
    guest.say("protocol", "x86_64-abi\0");
    guest.enter(3);
    assert_eq!(guest.said("state"), "4");
}
