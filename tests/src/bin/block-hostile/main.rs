//! The block device, used as no front end should.
//!
//! Whatever is in the ring, behind a grant or in the store is the guest's claim: an index beyond the
//! ring, a grant that is none or is taken back, sectors that the disk does not have. Expected: an
//! error for that request or an end of that connection, nothing moved, no grant left in use, and a
//! device that works when it is opened again.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use xenolith_guest::{
    StartInfo,
    abi::{
        block::{
            OP_DISCARD, OP_FLUSH_DISKCACHE, OP_INDIRECT, OP_READ, OP_WRITE, OP_WRITE_BARRIER,
            RSP_EOPNOTSUPP, RSP_ERROR, RSP_OKAY, Request,
        },
        grant::{GTF_PERMIT_ACCESS, GTF_READONLY, GTF_SUB_PAGE},
    },
    check, check_eq,
    hypercall::event_channel::{close, send},
    probe::block::{BlockFront, DATA, FIRST_REFERENCE, request},
    scenario::Checks,
    static_pages::PAGE_BYTES,
    traps,
};

xenolith_guest::scenario!(run);

const PERMIT: u16 = GTF_PERMIT_ACCESS;
/// The entry of the page for data.
const REFERENCE: u32 = FIRST_REFERENCE + 8;
const PAGE: (usize, u8, u8) = (DATA, 0, 7);

fn run(checks: &mut Checks, start: &'static StartInfo) {
    check_eq!(checks, traps::install(), Ok(()));
    let Some(mut front) = BlockFront::new(start) else {
        return checks.fail(format_args!("there is no store or no grant table"));
    };
    check_nodes(checks, &mut front);
    check_requests(checks, &mut front);
    check_grants(checks, &mut front);
    check_rings(checks, &mut front);
    check_port(checks, &mut front);
    check_flood(checks, &mut front);
}

/// Opens the device, uses it, and closes it.
fn check_works(checks: &mut Checks, front: &mut BlockFront, what: &str) {
    check_eq!(checks, front.open(), true, "opened after {what}");
    check_eq!(checks, front.status(&request(OP_READ, 0, &[PAGE])), RSP_OKAY, "after {what}");
    check_eq!(checks, front.close(), true, "closed after {what}");
}

/// What the store says of a ring and a port is nonsense.
fn check_nodes(checks: &mut Checks, front: &mut BlockFront) {
    for (node, value) in [
        ("event-channel", "4095"),
        ("event-channel", "-7"),
        ("ring-ref", "7"),
        ("ring-ref", "4294967295"),
        ("protocol", "x86_32-abi"),
        ("ring-page-order", "2"),
    ] {
        check_eq!(checks, &*front.enter(1), "2", "waits");
        front.prepare();
        front.say(node, value);
        check_eq!(checks, &*front.enter(3), "5", "{node} {value}");
        front.say("ring-page-order", "0");
        check_eq!(checks, &*front.enter(6), "6", "closed");
        check_eq!(checks, close(front.port), Ok(()));
        check_eq!(checks, front.flags(FIRST_REFERENCE + 2), PERMIT, "the ring's grant");
    }
    check_works(checks, front, "nonsense in the store");
}

fn check_requests(checks: &mut Checks, front: &mut BlockFront) {
    check_eq!(checks, front.open(), true, "opened");
    front.window.fill(DATA * PAGE_BYTES, PAGE_BYTES, 0xee);
    let many = Request { nr_segments: 12, ..request(OP_READ, 0, &[PAGE; 11]) };
    for (request, status) in [
        (request(OP_WRITE_BARRIER, 0, &[PAGE]), RSP_EOPNOTSUPP),
        (many, RSP_ERROR),
        (request(OP_READ, 121, &[PAGE]), RSP_ERROR),
        (request(OP_DISCARD, 0, &[]), RSP_EOPNOTSUPP),
        (request(99, 0, &[PAGE]), RSP_EOPNOTSUPP),
        (request(OP_READ, 0, &[]), RSP_ERROR),
        (request(OP_WRITE, u64::MAX, &[PAGE]), RSP_ERROR),
        (request(OP_READ, 0, &[(DATA, 7, 6)]), RSP_ERROR),
        (request(OP_READ, 0, &[(DATA, 0, 8)]), RSP_ERROR),
        (request(OP_READ, 0, &[(9999, 0, 7)]), RSP_ERROR),
    ] {
        check_eq!(checks, front.status(&request), status, "{request:?}");
    }
    for (operation, count) in [(OP_FLUSH_DISKCACHE, 1), (OP_INDIRECT, 1), (OP_READ, 0)] {
        let indirect = front.indirect(operation, 0, [PAGE].into_iter().cycle().take(count));
        check_eq!(checks, front.status(&indirect), RSP_ERROR, "{operation} of {count}");
    }
    let mut long = front.indirect(OP_READ, 0, [PAGE].into_iter());
    long.nr_segments = 257;
    check_eq!(checks, front.status(&long), RSP_ERROR, "257 segments");
    let mut wild = front.indirect(OP_READ, 0, [PAGE; 2].into_iter());
    wild.indirect_grefs[0] = u32::MAX;
    check_eq!(checks, front.status(&wild), RSP_ERROR, "a page of segments that is not granted");
    check_untouched(checks, front);
    check_eq!(checks, front.close(), true, "closed");
    check_works(checks, front, "requests that make no sense");
}

/// The page for data is as it was filled.
fn check_untouched(checks: &mut Checks, front: &BlockFront) {
    let bytes = front.window.bytes::<PAGE_BYTES>(DATA * PAGE_BYTES);
    check!(checks, bytes.iter().all(|byte| *byte == 0xee), "the page has changed");
}

fn check_grants(checks: &mut Checks, front: &mut BlockFront) {
    check_eq!(checks, front.open(), true, "opened");
    front.window.fill(DATA * PAGE_BYTES, PAGE_BYTES, 0xee);
    let own = front.frame(DATA);
    let read = request(OP_READ, 0, &[PAGE]);
    for (frame, flags, domain) in [
        (own, 0, 0),
        (own, PERMIT, 1),
        (own, PERMIT, 0x7ff0),
        (own, PERMIT | GTF_READONLY, 0),
        (own, PERMIT | GTF_SUB_PAGE, 0),
        (own, 2, 0),
        (own, 3, 0),
        (u32::MAX, PERMIT, 0),
        (0xfee00, PERMIT, 0),
    ] {
        front.grant(REFERENCE, frame, flags, domain);
        check_eq!(checks, front.status(&read), RSP_ERROR, "{flags:#x} {domain} {frame:#x}");
        check_eq!(checks, front.flags(REFERENCE), flags, "the grant is not in use");
    }
    check_untouched(checks, front);
    front.grant(REFERENCE, own, PERMIT, 0);
    check_eq!(checks, front.status(&read), RSP_OKAY, "granted again");
    check_eq!(checks, front.close(), true, "closed");
}

/// Indices and pages that cannot be.
fn check_rings(checks: &mut Checks, front: &mut BlockFront) {
    for produced in [33, 0x8000_0000, u32::MAX] {
        check_eq!(checks, front.open(), true, "opened");
        front.put(&request(OP_READ, 0, &[PAGE]));
        front.set_ring([produced, 0, 0, 1]);
        check_eq!(checks, send(front.port), Ok(()));
        check_eq!(checks, front.ring(), [produced, 0, 0, 1], "nothing is answered");
        check_eq!(checks, &*front.back_end("state"), "5", "req_prod {produced:#x}");
        check_eq!(checks, front.flags(FIRST_REFERENCE + 2), PERMIT, "the ring's grant");
        check_eq!(checks, send(front.port), Ok(()), "nobody hears it");
        check_eq!(checks, front.close(), true, "closed");
    }
    // A ring in the page of its own segments, and in that of the grants.
    check_eq!(checks, front.open(), true, "opened");
    let mut odd = front.indirect(OP_READ, 0, [PAGE; 2].into_iter());
    odd.indirect_grefs[0] = FIRST_REFERENCE + 2;
    let status = front.status(&odd);
    check!(checks, status == RSP_OKAY || status == RSP_ERROR, "{status}");
    check_eq!(checks, front.close(), true, "closed");
    check_works(checks, front, "rings that cannot be");
}

/// The port is closed while the device is used.
fn check_port(checks: &mut Checks, front: &mut BlockFront) {
    check_eq!(checks, front.open(), true, "opened");
    check_eq!(checks, close(front.port), Ok(()));
    front.put(&request(OP_READ, 0, &[PAGE]));
    check_eq!(checks, front.push(), true, "it wants an event, which does not come");
    check_eq!(checks, front.take(), None);
    check_eq!(checks, &*front.enter(6), "6", "closed");
    check_works(checks, front, "a port that was closed");
}

/// More mistakes than the log has room for.
fn check_flood(checks: &mut Checks, front: &mut BlockFront) {
    check_eq!(checks, front.open(), true, "opened");
    let wild = request(OP_READ, 1 << 40, &[PAGE]);
    let errors = (0..200).filter(|_| front.status(&wild) == RSP_ERROR).count();
    check_eq!(checks, errors, 200, "errors");
    check_eq!(checks, front.close(), true, "closed");
    check_works(checks, front, "a flood of mistakes");
}
