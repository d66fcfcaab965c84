//! Requests that make sense.

use super::*;

#[test]
fn sectors_are_read_into_parts_of_pages() {
    let mut guest = Guest::connected();
    let read = request(OP_READ, 100, &[segment(8, 0, 7), segment(9, 2, 2), segment(10, 7, 7)]);
    assert_eq!(guest.status(read.as_bytes()), RSP_OKAY);
    let disk = guest.disk.clone();
    let sectors = |first: usize, count: usize| &disk.bytes[first * 512..][..count * 512];
    assert_eq!(guest.page(8), sectors(100, 8));
    assert_eq!(guest.page(9)[1024..1536], *sectors(108, 1));
    assert_eq!(guest.page(10)[3584..], *sectors(109, 1));
    let mut expected = vec![0; 4096];
    expected[1024..1536].copy_from_slice(sectors(108, 1));
    assert_eq!(guest.page(9), expected, "the rest of the page stays");
    assert_eq!(guest.flags(8), u64::from(GTF_PERMIT_ACCESS), "the grant is not in use any more");
}

#[test]
fn sectors_are_written_from_pages_that_are_granted_for_reading() {
    let mut guest = Guest::connected();
    guest.grant(8, 8, GTF_PERMIT_ACCESS | GTF_READONLY, 0);
    guest.memory.write(Gpa(8 << 12), &[0x5a; 4096]);
    let before = guest.disk.bytes.clone();
    let write = request(OP_WRITE, SECTORS - 3, &[segment(8, 1, 3)]);
    assert_eq!(guest.status(write.as_bytes()), RSP_OKAY);
    let (start, end) = guest.disk.bytes.split_at(before.len() - 3 * 512);
    assert_eq!(start, &before[..start.len()]);
    assert_eq!(end, [0x5a; 3 * 512]);
    assert!(guest.logged.is_empty());
}

#[test]
fn indirect_requests_have_their_segments_in_pages() {
    let mut guest = Guest::connected();
    let segments: Vec<_> = (0..256).map(|n| segment(DATA + n % DATA_PAGES, 0, 7)).collect();
    for count in [1, 11, 32, 256] {
        let segments = &segments[..count];
        let read = guest.indirect(OP_READ, 1000, segments);
        guest.put(read.as_bytes());
        guest.serve_all();
        let response = guest.take().unwrap();
        assert_eq!((response.id, response.operation), (0x1234, OP_READ), "the one that is done");
        assert_eq!(response.status, RSP_OKAY);
        let last = (count - 1) * 8 + 1000;
        let frame = DATA + to_u64(count - 1) % DATA_PAGES;
        assert_eq!(guest.page(frame), guest.disk.bytes[last * 512..][..4096], "{count} segments");
    }
    assert_eq!(guest.flags(INDIRECT[0]), u64::from(GTF_PERMIT_ACCESS));
}

#[test]
fn a_flush_may_write() {
    let mut guest = Guest::connected();
    assert_eq!(guest.status(request(OP_FLUSH_DISKCACHE, 0, &[]).as_bytes()), RSP_OKAY);
    assert_eq!(guest.disk.flushes, 1);
    guest.memory.write(Gpa(8 << 12), &[7; 512]);
    let flush = request(OP_FLUSH_DISKCACHE, 5, &[segment(8, 0, 0)]);
    assert_eq!(guest.status(flush.as_bytes()), RSP_OKAY);
    assert_eq!((guest.disk.flushes, &guest.disk.bytes[5 * 512..6 * 512]), (2, &[7; 512][..]));
    guest.disk.read_only = true;
    assert_eq!(guest.status(request(OP_FLUSH_DISKCACHE, 0, &[]).as_bytes()), RSP_OKAY);
}

#[test]
fn a_full_ring_is_served_some_at_a_time_and_in_order() {
    let mut guest = Guest::connected();
    let segments: Vec<_> = (0..100).map(|n| segment(DATA + n % DATA_PAGES, 0, 7)).collect();
    for index in 0..RING_SIZE {
        let mut read = guest.indirect(OP_READ, 0, &segments);
        read.id = index.into();
        guest.put(read.as_bytes());
    }
    assert!(guest.serve().unfinished);
    assert_eq!(guest.take(), None, "not even one is finished");
    assert_eq!(guest.serve_all(), 100 - 1, "32 segments at a time, 32 requests of 100");
    for index in 0..RING_SIZE {
        assert_eq!(guest.take().unwrap().id, u64::from(index));
    }
    assert_eq!(guest.take(), None);
}

#[test]
fn responses_are_told_of_when_the_front_end_wants_it() {
    let mut guest = Guest::connected();
    let flush = request(OP_FLUSH_DISKCACHE, 0, &[]);
    for (event, is_told) in [(1, true), (3, false), (3, true), (100, false), (5, true)] {
        let [req_prod, _, rsp_prod, _] = guest.ring();
        guest.set_ring([req_prod, 0, rsp_prod, event]);
        guest.memory.poke(Port(0).pending_at(Gpa(SHARED << 12)).0, 0);
        guest.put(flush.as_bytes());
        guest.serve_all();
        let pending = guest.memory.read_word(guest.port.pending_at(Gpa(SHARED << 12))).unwrap();
        assert_eq!(pending & guest.port.bit() != 0, is_told, "rsp_event {event}");
        assert_eq!(guest.ring()[1], guest.produced + 1, "it is to be told of the next request");
    }
}

#[test]
fn indices_run_over() {
    let mut guest = Guest::new();
    guest.connect();
    guest.enter(6);
    let start = u32::MAX - 2;
    guest.set_ring([start, 0, start, start.wrapping_add(1)]);
    guest.enter(1);
    (guest.produced, guest.consumed) = (start, start);
    let is_to_serve = guest.enter(3);
    assert!(is_to_serve, "what was sent before was not heard");
    for _ in 0..5 {
        assert_eq!(guest.status(request(OP_FLUSH_DISKCACHE, 0, &[]).as_bytes()), RSP_OKAY);
    }
    assert_eq!(guest.ring()[2], 2);
    assert_eq!(guest.disk.flushes, 5);
}
