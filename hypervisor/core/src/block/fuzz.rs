//! A device whose guest writes anything to its ring, its grants and its nodes of the store.

use super::nodes::FrontEnd;
use super::test_front_end::{
    DATA, DATA_PAGES, DOMAIN, GRANTED, Guest, INDIRECT, RING, SHARED, TABLE, request, segment,
};
use crate::address::{Gpa, to_usize};
use crate::event_channel::Service;
use crate::fuzzing::Bytes;
use crate::guest_memory::{GuestMemory, TestMemory};
use std::vec::Vec;
use xenolith_abi::block::{OP_FLUSH_DISKCACHE, OP_INDIRECT, OP_READ, OP_WRITE, RING_SIZE};
use xenolith_abi::grant::{EntryV1, GTF_PERMIT_ACCESS, GTF_READONLY, GTF_TYPE_MASK};
use zerocopy::{FromBytes, IntoBytes};

/// Nodes that a front end writes.
const NODES: [&str; 8] = [
    "state",
    "ring-ref",
    "event-channel",
    "protocol",
    "ring-page-order",
    "num-ring-pages",
    "multi-queue-num-queues",
    "feature-persistent",
];

/// How often the device has something to do at once after one step of the guest, at most: a full
/// ring of the longest requests, 32 segments at a time.
const GOES: u32 = RING_SIZE * 9 + 1;

/// Does to a device what the bytes say.
pub(crate) fn run(bytes: &[u8]) {
    let mut guest = Guest::new();
    // Small, so that requests go beyond its end.
    guest.disk.bytes.truncate(512 * 100);
    let mut bytes = Bytes::new(bytes);
    while !bytes.is_empty() {
        match bytes.byte() % 10 {
            0 => put(&mut guest, &mut bytes),
            1 => {
                // Anywhere, or near where it is.
                guest.memory.show(RING);
                let (which, value) = (usize::from(bytes.byte()), bytes.word());
                let mut ring = guest.ring();
                let near = ring[which % 4].wrapping_add(value % 64).wrapping_sub(16);
                ring[which % 4] = if which & 4 == 0 { value } else { near };
                guest.set_ring(ring);
                guest.produced = ring[0];
            }
            2 => {
                let at = u64::from(bytes.half() & 0xfff);
                let frame = [RING, INDIRECT[0], TABLE, DATA][usize::from(bytes.byte() % 4)];
                let count = u64::from(bytes.byte()).min(0x1000 - at);
                let some = bytes.take(to_usize(count));
                guest.memory.write(Gpa((frame << 12) + at), some);
            }
            3 => {
                let (reference, frame) = (bytes.byte(), bytes.byte());
                let (flags, domain) = (bytes.half(), bytes.byte());
                guest.grant(reference.into(), frame.into(), flags, u16::from(domain & 1));
            }
            4 => {
                let node = NODES[usize::from(bytes.byte() % 8)];
                let count = usize::from(bytes.byte() % 16);
                let path = std::format!("{}/{node}", FrontEnd(DOMAIN));
                guest.store.write(path.as_bytes(), bytes.take(count)).expect("there is room");
            }
            5 => {
                guest.memory.show(RING);
                guest.connect();
            }
            6 => look(&mut guest, u32::from(bytes.byte() % 10)),
            // The guest closes its port, as far as there is one, and has another.
            7 => {
                guest.channels.disconnect_service(Service::Block);
                if let Ok(port) = guest.channels.alloc_unbound(crate::address::DomId(0)) {
                    guest.port = port;
                }
            }
            8 if bytes.byte().is_multiple_of(4) => guest.memory.hide(RING),
            8 => guest.memory.show(RING),
            _ => guest.disk.read_only = bytes.byte() % 2 == 1,
        }
        serve(&mut guest);
    }
}

/// Has the back end look at a state, which may be none.
fn look(guest: &mut Guest, state: u32) {
    guest.say("state", &std::format!("{state}"));
    guest.with(super::BlockDevice::front_end_changed);
    let is_connected = guest.said("state") == "4" || guest.said("state") == "5";
    assert!(is_connected || guest.device.link.is_none(), "connected, and does not say so");
}

/// A request that is nearly right.
fn put(guest: &mut Guest, bytes: &mut Bytes<'_>) {
    let (kind, sector) = (bytes.byte(), u64::from(bytes.byte()));
    let operation = [OP_READ, OP_WRITE, OP_FLUSH_DISKCACHE, OP_INDIRECT][usize::from(kind & 3)];
    let count = usize::from(bytes.byte());
    let mut part = || {
        let (frame, which) = (bytes.byte(), bytes.byte());
        let frame =
            if frame >> 6 == 3 { frame.into() } else { DATA + u64::from(frame) % DATA_PAGES };
        segment(frame, which & 7, (which >> 3 & 7).max(which & 7) + (which >> 6) / 3)
    };
    if !guest.memory.read(Gpa(RING << 12), &mut [0]) {
        return;
    }
    if operation == OP_INDIRECT {
        let segments: Vec<_> = (0..count).map(|_| part()).collect();
        let request = guest.indirect(kind >> 2 & 1, sector, &segments);
        guest.put(request.as_bytes());
    } else {
        let segments: Vec<_> = (0..count % 12).map(|_| part()).collect();
        let mut request = request(operation, sector, &segments);
        if kind >> 3 == 0x1f {
            request.nr_segments = bytes.byte();
        }
        guest.put(request.as_bytes());
    }
}

/// Has the device serve until there is nothing more to do, and checks what it has changed.
fn serve(guest: &mut Guest) {
    for _ in 0..GOES {
        let before = guest.memory.clone();
        let was_linked = guest.device.link.is_some();
        let served = guest.serve();
        check_memory(&before, &guest.memory, was_linked);
        if served.failed {
            assert!(guest.device.link.is_none() && !served.unfinished);
            assert_eq!(guest.said("state"), "5");
        }
        if !served.unfinished {
            return;
        }
    }
    panic!("the device never comes to an end");
}

/// Only what is granted for writing changes, and grants are not in use afterwards, but the ring's.
fn check_memory(before: &TestMemory, after: &TestMemory, was_linked: bool) {
    if !was_linked {
        assert!(before == after, "a device that is not connected has changed something");
        return;
    }
    let page = |memory: &TestMemory, frame: u64| {
        let mut bytes = std::vec![0; 4096];
        memory.read(Gpa(frame << 12), &mut bytes).then_some(bytes)
    };
    let table = page(before, TABLE).expect("it stays");
    let entries: Vec<EntryV1> =
        table.chunks(8).map(|entry| EntryV1::read_from_bytes(entry).expect("8 bytes")).collect();
    let is_writable = |entry: &&EntryV1| {
        entry.flags & (GTF_TYPE_MASK | GTF_READONLY) == GTF_PERMIT_ACCESS && entry.domid == 0
    };
    let mut writable: Vec<u64> =
        entries.iter().filter(is_writable).map(|entry| entry.frame.into()).collect();
    if writable.contains(&TABLE) {
        // What is read from the disk may be grants.
        return;
    }
    writable.extend([RING, SHARED]);
    for frame in 1..GRANTED {
        let (old, new) = (page(before, frame), page(after, frame));
        if frame == TABLE {
            let new = new.expect("it stays");
            let differ = table.iter().zip(&new).filter(|(old, new)| old != new).count();
            assert!(differ <= 1, "only the ring's grant changes, when it closes");
        } else {
            assert!(old == new || writable.contains(&frame), "frame {frame} is not granted");
        }
    }
}

/// Connections, and requests of every kind.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let read = [0, 0, 10, 2, 1, 0o70, 2, 0o21];
    let write = [0, 1, 10, 1, 3, 0o70];
    let flush = [0, 2, 0, 0];
    let indirect = [&[0, 3, 0, 12][..], &[4, 0o70].repeat(12)].concat();
    let beyond = [0, 0, 99, 1, 1, 0o70];
    let foreign = [0, 0, 0, 1, 0xff, 0o70];
    let mut seeds = Vec::new();
    for request in [&read[..], &write, &flush, &indirect, &beyond, &foreign] {
        seeds.push([&[5], request, request, &[6, 5, 6, 6, 6, 1, 5], request].concat());
        seeds.push([&[5, 9, 1], request, &[7], request].concat());
        seeds.push([&[5, 3, 9, 9, 0, 0, 0], request, &[8, 0], request].concat());
    }
    seeds.push(std::vec![5, 1, 0, 0, 0, 0, 0x80, 6, 6, 6, 1, 5]);
    seeds.push([&[5, 4, 3, 10][..], b"x86_32-abi", &[6, 6, 6, 3]].concat());
    seeds
}
