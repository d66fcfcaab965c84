//! Requests that make no sense: each has its status and its line, and moves nothing.

use super::*;

/// Makes a request, which changes nothing but the ring.
fn refused(guest: &mut Guest, request: &[u8], status: i16) -> String {
    let (disk, pages) = (guest.disk.clone(), guest.page(DATA));
    let table = guest.page(TABLE);
    guest.logged.clear();
    assert_eq!(guest.status(request), status);
    assert!(guest.disk == disk && guest.page(DATA) == pages, "nothing is moved");
    assert_eq!(guest.page(TABLE), table, "no grant is in use but the ring's");
    assert_eq!(guest.logged.len(), 1, "{:?}", guest.logged);
    assert_eq!(guest.said("state"), "4");
    guest.logged[0].clone()
}

#[test]
fn a_request_that_makes_no_sense_is_an_error() {
    let mut guest = Guest::connected();
    let page = segment(DATA, 0, 7);
    let many = |count| Request { nr_segments: count, ..request(OP_READ, 0, &[page; 11]) };
    for (request, status, line) in [
        (request(OP_WRITE_BARRIER, 0, &[page]), RSP_EOPNOTSUPP, "(operation 2): the operation is"),
        (request(OP_RESERVED_1, 0, &[]), RSP_EOPNOTSUPP, "the operation is not supported"),
        (request(OP_DISCARD, 0, &[]), RSP_EOPNOTSUPP, "request 0xabcd (operation 5): the op"),
        (request(200, 0, &[page]), RSP_EOPNOTSUPP, "(operation 200): the operation is not supp"),
        (request(OP_READ, 0, &[]), RSP_ERROR, "0 segments; there may be 1 to 11"),
        (request(OP_WRITE, 0, &[]), RSP_ERROR, "0 segments; there may be 1 to 11"),
        (many(12), RSP_ERROR, "12 segments; there may be 1 to 11"),
        (many(255), RSP_ERROR, "255 segments; there may be 1 to 11"),
        (request(OP_READ, 0, &[segment(DATA, 3, 2)]), RSP_ERROR, "from sector 3 to 2 of a page"),
        (request(OP_READ, 0, &[segment(DATA, 0, 8)]), RSP_ERROR, "0 to 8 of a page, which has 0"),
        (request(OP_READ, 0, &[segment(DATA, 255, 255)]), RSP_ERROR, "sector 255 to 255"),
        (request(OP_READ, 4089, &[page]), RSP_ERROR, "8 sectors from 4089 on; the disk has 4096"),
        (request(OP_WRITE, 4096, &[page]), RSP_ERROR, "8 sectors from 4096 on"),
        (request(OP_WRITE, u64::MAX, &[page]), RSP_ERROR, "sectors from 18446744073709551615 on"),
        (request(OP_READ, u64::MAX - 7, &[page; 2]), RSP_ERROR, "16 sectors from"),
    ] {
        let said = refused(&mut guest, request.as_bytes(), status);
        assert!(said.contains(line), "{said}: {line}");
    }
}

#[test]
fn an_indirect_request_that_makes_no_sense_is_an_error() {
    let mut guest = Guest::connected();
    let good = guest.indirect(OP_READ, 0, &[segment(DATA, 0, 7); 3]);
    let with = |change: fn(&mut RequestIndirect)| {
        let mut request = good;
        change(&mut request);
        request
    };
    for (request, line) in [
        (with(|it| it.indirect_op = OP_FLUSH_DISKCACHE), "operation 3 cannot be indirect"),
        (with(|it| it.indirect_op = OP_INDIRECT), "operation 6 cannot be indirect"),
        (with(|it| it.nr_segments = 0), "0 segments; there may be 1 to 256"),
        (with(|it| it.nr_segments = 257), "257 segments; there may be 1 to 256"),
        (with(|it| it.nr_segments = u16::MAX), "65535 segments; there may be 1 to 256"),
        (with(|it| it.indirect_grefs[0] = 511), "grant 511 does not let domain 0 read: flags 0x0"),
        (with(|it| it.sector_number = 4080), "24 sectors from 4080 on; the disk has 4096"),
        // Behind the three there are zeros, which name entry 0.
        (with(|it| it.nr_segments = 4), "grant 0 does not let domain 0 write"),
    ] {
        guest.put(request.as_bytes());
        guest.serve_all();
        let response = guest.take().unwrap();
        assert_eq!((response.status, response.operation), (RSP_ERROR, request.indirect_op));
        let said = guest.logged.pop().unwrap();
        assert!(said.contains(line), "{said}: {line}");
    }
}

#[test]
fn grants_that_do_not_permit_it_are_not_used() {
    let mut guest = Guest::connected();
    let page = segment(DATA, 0, 7);
    let (read, write) = (request(OP_READ, 0, &[page]), request(OP_WRITE, 0, &[page]));
    let permit = GTF_PERMIT_ACCESS;
    for (frame, flags, domain, reads, line) in [
        (DATA, 0, 0, true, "grant 8 does not let domain 0 write: flags 0x0, domain 0"),
        (DATA, permit, 1, true, "flags 0x1, domain 1"),
        (DATA, permit, 1, false, "grant 8 does not let domain 0 read: flags 0x1, domain 1"),
        (DATA, permit | GTF_READONLY, 0, true, "domain 0 write: flags 0x5, domain 0"),
        (DATA, permit | 1 << 8, 0, true, "flags 0x101"),
        (DATA, 2, 0, true, "flags 0x2"),
        (DATA, 3, 0, false, "flags 0x3"),
        (READ_ONLY, permit, 0, true, "frame 0x6 of grant 8 is no memory for that"),
        (50, permit, 0, true, "frame 0x32 of grant 8 is no memory for that"),
        (50, permit, 0, false, "frame 0x32 of grant 8 is no memory for that"),
        (0xffff_ffff, permit, 0, true, "frame 0xffffffff of grant 8 is no memory for that"),
    ] {
        guest.grant(8, frame, flags, domain);
        let request = if reads { &read } else { &write };
        let said = refused(&mut guest, request.as_bytes(), RSP_ERROR);
        assert!(said.contains(line), "{said}: {line}");
    }
    for reference in [512, u32::MAX] {
        let mut read = read;
        read.seg[0].reference = reference;
        let said = refused(&mut guest, read.as_bytes(), RSP_ERROR);
        assert!(said.contains("is beyond the end of the table"), "{said}");
    }
}

#[test]
fn a_disk_that_is_read_only_is_only_read() {
    let mut guest = Guest::new();
    guest.disk.read_only = true;
    guest.device = device();
    guest.device.introduce(&mut guest.store, &guest.disk).unwrap();
    guest.connect();
    assert_eq!((&*guest.said("mode"), &*guest.said("info")), ("r", "4"));
    let page = segment(DATA, 0, 7);
    for request in [request(OP_WRITE, 0, &[page]), request(OP_FLUSH_DISKCACHE, 0, &[page])] {
        let said = refused(&mut guest, request.as_bytes(), RSP_ERROR);
        assert!(said.contains("the disk is read-only"), "{said}");
    }
    assert_eq!(guest.status(request(OP_READ, 0, &[page]).as_bytes()), RSP_OKAY);
}

#[test]
fn a_ring_that_cannot_be_is_not_served_any_more() {
    for indices in [[33, 0, 0, 0], [u32::MAX, 0, 0, 0], [0x8000_0000, 0, 5, 5]] {
        let mut guest = Guest::connected();
        guest.memory.write(Guest::entry(0), request(OP_FLUSH_DISKCACHE, 0, &[]).as_bytes());
        guest.set_ring(indices);
        let ring = guest.page(RING);
        assert_eq!(guest.serve(), Served { unfinished: false, failed: true });
        assert_eq!(guest.page(RING), ring, "nothing is answered");
        assert_eq!((guest.said("state"), guest.disk.flushes), ("5".into(), 0));
        assert!(guest.logged[0].contains("more requests than the ring holds (req_prod"));
        let error = guest.store.read(b"/local/domain/0/error/backend/vbd/1/51712/error").unwrap();
        assert!(error.starts_with(b"more requests than the ring holds"));
        assert_eq!(guest.flags(RING), u64::from(GTF_PERMIT_ACCESS), "the page is the guest's");
        assert_eq!(guest.channels.service_port(Service::Block), None);
        guest.set_ring([1, 0, 0, 0]);
        assert_eq!(guest.serve(), Served::default(), "it does not look any more");
        assert_eq!(guest.disk.flushes, 0);
        guest.enter(6);
        guest.enter(1);
        guest.connect();
        assert_eq!(guest.status(request(OP_FLUSH_DISKCACHE, 0, &[]).as_bytes()), RSP_OKAY);
    }
}

#[test]
fn a_ring_whose_page_is_gone_is_not_served_any_more() {
    let mut guest = Guest::connected();
    guest.memory.hide(RING);
    assert!(guest.serve().failed);
    assert!(guest.logged[0].contains("the ring's page is no memory that can be written"));
    assert_eq!(guest.said("state"), "5");
}

#[test]
fn a_grant_that_is_taken_back_meanwhile_is_not_used() {
    let mut guest = Guest::connected();
    let segments: Vec<_> = (0..100).map(|n| segment(DATA + n % DATA_PAGES, 0, 7)).collect();
    let read = guest.indirect(OP_READ, 0, &segments);
    guest.put(read.as_bytes());
    assert!(guest.serve().unfinished);
    guest.grant(DATA + 1, DATA + 1, 0, 0);
    // What the page of segments says now is no matter.
    guest.memory.write(Gpa(INDIRECT[0] << 12), &[0xff; 4096]);
    guest.serve_all();
    assert_eq!(guest.take().unwrap().status, RSP_ERROR);
    assert!(guest.logged[0].contains("grant 9 does not let domain 0 write: flags 0x0"));
}

#[test]
fn a_request_is_given_up_when_the_device_closes() {
    let mut guest = Guest::connected();
    let segments: Vec<_> = (0..100).map(|n| segment(DATA + n % DATA_PAGES, 0, 7)).collect();
    let read = guest.indirect(OP_READ, 0, &segments);
    guest.put(read.as_bytes());
    assert!(guest.serve().unfinished);
    guest.enter(6);
    assert_eq!(guest.serve(), Served::default());
    guest.enter(1);
    guest.connect();
    assert_eq!(guest.status(request(OP_FLUSH_DISKCACHE, 0, &[]).as_bytes()), RSP_OKAY);
    assert_eq!(guest.consumed, 1);
}
