//! The block device, as a front end with good manners uses it.
//!
//! The ring, its indices and the pages of its requests are memory that both ends share; what the
//! store says, Linux and GRUB read. Expected: nodes as Xen's tools make them; sectors that come as
//! the disk has them, and stay as they were written; events when they are asked for; a device that
//! can be closed and opened again, and lets go of its grants.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::{vec, vec::Vec};
use core::sync::atomic::Ordering::SeqCst;
use xenolith_guest::{
    StartInfo,
    abi::{
        block::{OP_FLUSH_DISKCACHE, OP_READ, OP_WRITE, RING_SIZE, RSP_OKAY},
        grant::{GTF_PERMIT_ACCESS, GTF_READING, GTF_READONLY, GTF_WRITING},
    },
    check, check_eq,
    hypercall::event_channel::{Connection, status},
    probe::{
        Window,
        block::{BlockFront, DATA, FIRST_REFERENCE, INDIRECT, request},
    },
    scenario::Checks,
    shared_info::shared_info,
    static_pages::PAGE_BYTES,
    traps,
};

xenolith_guest::scenario!(run);

const SECTOR: usize = 512;
const SECTORS: u64 = 2048;
/// The entry of the ring.
const RING: u32 = FIRST_REFERENCE + 2;

fn run(checks: &mut Checks, start: &'static StartInfo) {
    check_eq!(checks, traps::install(), Ok(()));
    let Some(mut front) = BlockFront::new(start) else {
        return checks.fail(format_args!("there is no store or no grant table"));
    };
    check_nodes(checks, &mut front);
    for _ in 0..2 {
        check_eq!(checks, front.open(), true, "connected");
        let in_use = GTF_PERMIT_ACCESS | GTF_READING | GTF_WRITING;
        check_eq!(checks, front.flags(RING), in_use, "the ring's grant");
        let connection = status(0x7ff0, front.port).map(|status| status.connection);
        check!(checks, matches!(connection, Ok(Connection::Interdomain(0, _))), "{connection:?}");
        check_reads(checks, &mut front);
        check_writes(checks, &mut front);
        check_indirect(checks, &mut front);
        check_many(checks, &mut front);
        check_events(checks, &mut front);
        check_eq!(checks, front.close(), true, "closed");
        check_eq!(checks, front.flags(RING), GTF_PERMIT_ACCESS, "the ring's grant");
    }
}

fn check_nodes(checks: &mut Checks, front: &mut BlockFront) {
    for (node, value) in [
        ("state", "2"),
        ("dev", "xvda"),
        ("mode", "w"),
        ("sectors", "2048"),
        ("sector-size", "512"),
        ("info", "0"),
        ("feature-flush-cache", "1"),
        ("feature-max-indirect-segments", "256"),
        ("nothing", "ENOENT"),
    ] {
        check_eq!(checks, &*front.back_end(node), value, "{node}");
    }
}

fn page(front: &BlockFront, page: usize) -> Vec<u8> {
    let mut bytes = vec![0; PAGE_BYTES];
    front.window.read(page * PAGE_BYTES, &mut bytes);
    bytes
}

fn check_reads(checks: &mut Checks, front: &mut BlockFront) {
    front.window.fill(DATA * PAGE_BYTES, 3 * PAGE_BYTES, 0xee);
    let read = request(OP_READ, 0, &[(DATA, 0, 7), (DATA + 1, 3, 4), (DATA + 2, 7, 7)]);
    check_eq!(checks, front.status(&read), RSP_OKAY);
    // The same sectors, in other places.
    let again = request(OP_READ, 8, &[(DATA + 3, 0, 2)]);
    check_eq!(checks, front.status(&again), RSP_OKAY);
    let pages = [DATA, DATA + 1, DATA + 2, DATA + 3].map(|number| page(front, number));
    check!(checks, pages[0][..SECTOR] != pages[0][SECTOR..2 * SECTOR], "sectors differ");
    check!(checks, pages[1][3 * SECTOR..5 * SECTOR] == pages[3][..2 * SECTOR], "sectors 8 and 9");
    check!(checks, pages[2][7 * SECTOR..] == pages[3][2 * SECTOR..3 * SECTOR], "sector 10");
    let rest = pages[1][..3 * SECTOR].iter().chain(&pages[1][5 * SECTOR..]);
    check!(checks, rest.chain(&pages[2][..7 * SECTOR]).all(|byte| *byte == 0xee), "the rest stays");
}

fn check_writes(checks: &mut Checks, front: &mut BlockFront) {
    let reference = FIRST_REFERENCE + 8;
    front.grant(reference, front.frame(DATA), GTF_PERMIT_ACCESS | GTF_READONLY, 0);
    front.window.fill(DATA * PAGE_BYTES, PAGE_BYTES, 0x77);
    let write = request(OP_WRITE, SECTORS - 4, &[(DATA, 4, 7)]);
    check_eq!(checks, front.status(&write), RSP_OKAY, "a page that is only read");
    let flush = request(OP_FLUSH_DISKCACHE, 0, &[]);
    check_eq!(checks, front.status(&flush), RSP_OKAY);
    let read = request(OP_READ, SECTORS - 8, &[(DATA + 1, 0, 7)]);
    check_eq!(checks, front.status(&read), RSP_OKAY);
    let back = page(front, DATA + 1);
    check!(checks, back[4 * SECTOR..].iter().all(|byte| *byte == 0x77), "what was written");
    front.window.fill(DATA * PAGE_BYTES, PAGE_BYTES, 0x33);
    let flush = request(OP_FLUSH_DISKCACHE, SECTORS - 1, &[(DATA, 0, 0)]);
    check_eq!(checks, front.status(&flush), RSP_OKAY, "a flush with a segment");
    check_eq!(checks, front.status(&read), RSP_OKAY);
    check_eq!(checks, page(front, DATA + 1)[7 * SECTOR], 0x33);
    front.grant(reference, front.frame(DATA), GTF_PERMIT_ACCESS, 0);
}

fn check_indirect(checks: &mut Checks, front: &mut BlockFront) {
    let pages = Window::PAGES - DATA;
    for number in 0..pages {
        let fill = number.to_le_bytes()[0] ^ 0x91;
        front.window.fill((DATA + number) * PAGE_BYTES, PAGE_BYTES, fill);
    }
    let all = (DATA..Window::PAGES).map(|page| (page, 0, 7));
    let write = front.indirect(OP_WRITE, 100, all.clone());
    check_eq!(checks, front.status(&write), RSP_OKAY, "{pages} pages written");
    front.window.fill(DATA * PAGE_BYTES, pages * PAGE_BYTES, 0);
    let read = front.indirect(OP_READ, 100, all);
    check_eq!(checks, front.status(&read), RSP_OKAY, "{pages} pages read");
    let is_back = |number: usize| {
        page(front, DATA + number).iter().all(|byte| *byte == number.to_le_bytes()[0] ^ 0x91)
    };
    check_eq!(checks, (0..pages).filter(|number| is_back(*number)).count(), pages);
    let longest = front.indirect(OP_READ, 0, (0..256).map(|at| (DATA + at % pages, 0, 7)));
    check_eq!(checks, front.status(&longest), RSP_OKAY, "256 segments, a mebibyte");
    let page = segment_page(front);
    check_eq!(checks, page, GTF_PERMIT_ACCESS, "the grant of the segments' page");
}

fn segment_page(front: &BlockFront) -> u16 {
    front.flags(FIRST_REFERENCE + u32::try_from(INDIRECT).unwrap_or(0))
}

fn check_many(checks: &mut Checks, front: &mut BlockFront) {
    for number in 0..RING_SIZE {
        let mut read = request(OP_READ, u64::from(number) * 11, &[(DATA, 0, 7); 11]);
        read.id = u64::from(number) << 32;
        front.put(&read);
    }
    check_eq!(checks, front.push(), true, "a full ring is told of");
    let mut ids = Vec::new();
    while ids.len() < RING_SIZE as usize
        && let Some(response) = front.wait()
    {
        check_eq!(checks, response.status, RSP_OKAY);
        ids.push(response.id >> 32);
    }
    check!(checks, ids.iter().copied().eq(0..u64::from(RING_SIZE)), "{ids:?}");
}

/// An event comes when the front end has asked for it.
fn check_events(checks: &mut Checks, front: &mut BlockFront) {
    let flush = request(OP_FLUSH_DISKCACHE, 0, &[]);
    for (wanted, comes) in [(1, true), (9, false)] {
        take_event(front);
        let [req_prod, req_event, rsp_prod, _] = front.ring();
        front.set_ring([req_prod, req_event, rsp_prod, rsp_prod.wrapping_add(wanted)]);
        check_eq!(checks, front.status(&flush), RSP_OKAY);
        check_eq!(checks, take_event(front), comes, "an event for the next response but {wanted}");
    }
}

/// Takes the event at the port, if there is one.
fn take_event(front: &BlockFront) -> bool {
    let port = front.port;
    let word = usize::try_from(port.word()).unwrap_or(0);
    shared_info().pending(word).fetch_and(!port.bit(), SeqCst) & port.bit() != 0
}
