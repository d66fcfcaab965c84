//! A store whose guest writes anything to its page: indices, bytes, and messages that are nearly
//! right.

use super::{Introduction, Store};
use crate::address::{DomId, Gpa, to_u64};
use crate::fuzzing::Bytes;
use crate::guest_memory::{GuestMemory, TestMemory};
use core::mem::offset_of;
use std::boxed::Box;
use std::string::ToString;
use std::vec::Vec;
use xenolith_abi::xenstore::{self as abi, DomainInterface, Message};
use zerocopy::{FromZeros, IntoBytes};

/// The store's page, between two that the guest does not have.
const FRAME: u64 = 3;
const PAGE: u64 = FRAME << 12;
const DOMAIN: DomId = DomId(1);
const REQ_CONS: usize = offset_of!(DomainInterface, req_cons);
const REQ_PROD: usize = offset_of!(DomainInterface, req_prod);
const RSP_CONS: usize = offset_of!(DomainInterface, rsp_cons);
const RSP_PROD: usize = offset_of!(DomainInterface, rsp_prod);
/// How often the store has something to do at once after one step of the guest, at most: there is
/// room for 64 requests, and each reply takes some of another ring.
const GOES: u32 = 100;

/// Paths and commands, so that requests meet.
const WORDS: [&[u8]; 8] = [
    b"data",
    b"data/a",
    b"/local/domain/1/data/a/b",
    b"/",
    b"control/shutdown",
    b"token",
    b"@releaseDomain",
    b"b1",
];

/// Does to a store what the bytes say.
pub(crate) fn run(bytes: &[u8]) {
    let mut guest = Guest::new();
    let mut bytes = Bytes::new(bytes);
    while !bytes.is_empty() {
        match bytes.byte() % 8 {
            0 => {
                // Anywhere, or near one that is there: a ring is full or overfull by a little.
                let which = bytes.byte();
                let at =
                    |which: u8| [REQ_CONS, REQ_PROD, RSP_CONS, RSP_PROD][usize::from(which % 4)];
                let value = match which & 4 {
                    0 => bytes.word(),
                    _ => guest.index(at(which >> 3)).wrapping_add(bytes.half().into()),
                };
                guest.set(at(which), value);
            }
            1 => {
                let at = u64::from(bytes.half() & 0xfff);
                let count = u64::from(bytes.byte()).min(0x1000 - at);
                let some = bytes.take(crate::address::to_usize(count));
                guest.memory.write(Gpa(PAGE + at), some);
            }
            2 => {
                let raw = bytes.byte().into();
                guest.put(bytes.take(raw));
            }
            3 => guest.set(RSP_CONS, guest.index(RSP_PROD)),
            4 => {
                let connection = PAGE + to_u64(offset_of!(DomainInterface, connection));
                guest.memory.store_u32(Gpa(connection), abi::RECONNECT);
            }
            5 => {
                let word = WORDS[usize::from(bytes.byte() % 8)];
                // There may be no room, and no such node.
                let _ = guest.store.write(word, b"of domain 0");
                let _ = guest.store.read(word);
            }
            _ => {
                let message = message(&mut bytes);
                guest.put(&message);
            }
        }
        guest.serve();
    }
    guest.store.tree.check();
}

/// A request of any type with words and bytes; now and then its length is wrong.
fn message(bytes: &mut Bytes<'_>) -> Vec<u8> {
    let (type_, flags) = (u32::from(bytes.byte() % 32), bytes.byte());
    let mut payload = Vec::new();
    for _ in 0..flags & 3 {
        let what = bytes.byte();
        match what >> 3 & 3 {
            0 => payload.extend(bytes.take(usize::from(what >> 5))),
            1 => payload.resize(payload.len() + usize::from(bytes.byte()), b'v'),
            _ => payload.extend(WORDS[usize::from(what & 7)]),
        }
        if flags & 8 == 0 {
            payload.push(0);
        }
    }
    let len = u32::try_from(payload.len()).expect("it is short");
    let len = if flags & 0x70 == 0x70 { bytes.word() } else { len };
    let tx_id = if flags & 4 == 0 { 0 } else { u32::from(bytes.byte() % 4) };
    [Message { type_, req_id: 1, tx_id, len }.as_bytes(), &payload].concat()
}

struct Guest {
    store: Box<Store>,
    memory: TestMemory,
}

impl Guest {
    fn new() -> Self {
        let mut memory = TestMemory::default().with_pages(FRAME, 1, true);
        let mut store = Store::new_box_zeroed().expect("there is memory");
        store.plant().expect("it is small");
        let introduction = Introduction {
            domain: DOMAIN,
            name: "guest",
            page: Gpa(PAGE),
            port: 1,
            console_page: Gpa(0x7000),
            console_port: 2,
            memory_kib: 1 << 17,
        };
        store.introduce(&mut memory, &introduction).expect("there is room");
        Self { store, memory }
    }

    fn index(&self, at: usize) -> u32 {
        let mut bytes = [0; 4];
        assert!(self.memory.read(Gpa(PAGE + to_u64(at)), &mut bytes));
        u32::from_le_bytes(bytes)
    }

    fn set(&mut self, at: usize, index: u32) {
        assert!(self.memory.store_u32(Gpa(PAGE + to_u64(at)), index));
    }

    /// Writes bytes behind what was produced, whether there is room or not.
    fn put(&mut self, bytes: &[u8]) {
        let mut producer = self.index(REQ_PROD);
        for byte in bytes {
            self.memory.write(Gpa(PAGE + u64::from(producer) % to_u64(abi::RING_SIZE)), &[*byte]);
            producer = producer.wrapping_add(1);
        }
        self.set(REQ_PROD, producer);
    }

    /// Has the store serve until there is nothing more to do.
    fn serve(&mut self) {
        for _ in 0..GOES {
            let guests = [REQ_PROD, RSP_CONS].map(|at| self.index(at));
            let before = self.memory.clone();
            let served = self.store.serve(&mut self.memory, DOMAIN);
            assert!(served.moved || self.memory == before, "a change that nobody is told of");
            let after = [REQ_PROD, RSP_CONS].map(|at| self.index(at));
            // With a new connection the rings are new, and what a broken one holds is no matter.
            if after != [0, 0] && served.closed.is_none() {
                assert_eq!(after, guests, "the guest's indices are the guest's");
            }
            if let Some(why) = served.closed {
                assert!(!why.to_string().is_empty());
                assert!(!served.unfinished);
            }
            if !served.unfinished {
                return;
            }
        }
        panic!("the store never comes to an end");
    }
}

/// A request of every type, alone and in transactions, with replies read or left.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    // With a path; with a path and a value; with a path and permissions.
    let (path, value) = ([0x11, 0x12], [0x10, 0x01, 0x0c]);
    let mut seeds = Vec::new();
    for type_ in 0..24 {
        let mut program = std::vec![6, type_, 1, path[0], 3, 6, type_, 1, path[1], 3];
        program.extend([6, type_, 2, value[0], value[1], 9, 3]);
        program.extend([6, type_, 2, path[0], 0x17, 6, type_, 1, 0, 3, 5, 0]);
        // The same in a transaction, which is then ended with "T".
        program.extend([6, 6, 1, 0, 6, type_, 6, path[1], 0x15, 1, 6, 7, 5, 0x20, b'T', 1, 3]);
        seeds.push(program);
    }
    seeds.push([[0, 0, 0xf0, 0xff, 0xff, 0xff, 0, 1, 0xf0, 0xff, 0xff, 0xff]; 2].concat());
    seeds.push(std::vec![0, 1, 0, 0, 1, 0, 4, 6, 2, 1, 0x10]);
    // More replies than the ring holds, by one, and a reply to come.
    seeds.push(std::vec![0, 4 | 3 | 2 << 3, 1, 4, 6, 2, 1, 0x10, 3]);
    seeds
}
