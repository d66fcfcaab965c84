//! The store as a guest meets it: through its page.

mod model;
mod requests;
mod rings;
mod transactions;
mod watches;

use super::*;
use crate::address::Gpa;
use crate::guest_memory::TestMemory;
use xenolith_abi::xenstore::{self as abi, Message};
use zerocopy::{FromBytes, IntoBytes};

const ONE: DomId = DomId(1);
const PAGE: u64 = 0x3000;
const REQUESTS: u64 = PAGE;
const REPLIES: u64 = PAGE + 1024;
const REQ_CONS: u64 = PAGE + 2048;
const REQ_PROD: u64 = PAGE + 2052;
const RSP_CONS: u64 = PAGE + 2056;
const RSP_PROD: u64 = PAGE + 2060;
const FEATURES: u64 = PAGE + 2064;
const CONNECTION: u64 = PAGE + 2068;
const ERROR: u64 = PAGE + 2072;

/// A message that has come.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Received {
    header: Message,
    payload: Vec<u8>,
}

/// The store, and a domain with a page between two that must not be touched.
struct Guest {
    store: Box<Store>,
    memory: TestMemory,
    /// Bytes of a message that has not come as a whole.
    partial: Vec<u8>,
    events: Vec<(String, String)>,
}

impl Guest {
    fn new() -> Self {
        let mut memory = TestMemory::default().with_pages(3, 1, true);
        let mut store = Store::new_box_zeroed().unwrap();
        store.plant().unwrap();
        let introduction = Introduction {
            domain: ONE,
            name: "guest",
            page: Gpa(PAGE),
            port: 1,
            console_page: Gpa(0x7000),
            console_port: 2,
            memory_kib: 1 << 17,
        };
        store.introduce(&mut memory, &introduction).unwrap();
        Self { store, memory, partial: Vec::new(), events: Vec::new() }
    }

    fn index(&self, at: u64) -> u32 {
        let mut bytes = [0; 4];
        assert!(self.memory.read(Gpa(at), &mut bytes));
        u32::from_le_bytes(bytes)
    }

    fn set(&mut self, at: u64, index: u32) {
        assert!(self.memory.store_u32(Gpa(at), index));
    }

    fn serve(&mut self) -> Served {
        self.store.serve(&mut self.memory, ONE)
    }

    /// Writes as many bytes as the ring of requests has room for; returns how many.
    fn put(&mut self, bytes: &[u8]) -> usize {
        let (cons, mut prod) = (self.index(REQ_CONS), self.index(REQ_PROD));
        let room = 1024 - prod.wrapping_sub(cons);
        for byte in bytes.iter().take(room as usize) {
            assert!(self.memory.write(Gpa(REQUESTS + u64::from(prod % 1024)), &[*byte]));
            prod = prod.wrapping_add(1);
        }
        self.set(REQ_PROD, prod);
        bytes.len().min(room as usize)
    }

    /// Takes at most `limit` bytes from the ring of replies.
    fn take(&mut self, limit: u32) -> Vec<u8> {
        let (cons, prod) = (self.index(RSP_CONS), self.index(RSP_PROD));
        let used = prod.wrapping_sub(cons);
        assert!(used <= 1024, "the store overruns the ring");
        let count = used.min(limit);
        let bytes = (0..count).map(|offset| {
            let mut byte = [0];
            let at = cons.wrapping_add(offset) % 1024;
            assert!(self.memory.read(Gpa(REPLIES + u64::from(at)), &mut byte));
            byte[0]
        });
        let bytes = bytes.collect();
        self.set(RSP_CONS, cons.wrapping_add(count));
        bytes
    }

    /// Takes the next message that is there as a whole.
    fn receive(&mut self) -> Option<Received> {
        let new = self.take(u32::MAX);
        self.partial.extend(new);
        let (header, rest) = Message::read_from_prefix(&self.partial).ok()?;
        let payload = rest.get(..header.len as usize)?.to_vec();
        self.partial.drain(..16 + payload.len());
        Some(Received { header, payload })
    }

    /// Sends a request, serving as often as it takes, and returns the reply; events on the way are
    /// kept.
    fn request_in(&mut self, transaction: u32, type_: u32, payload: &[u8]) -> Received {
        let len = u32::try_from(payload.len()).unwrap();
        let header = Message { type_, req_id: 0x1234, tx_id: transaction, len };
        let mut bytes = [header.as_bytes(), payload].concat();
        for _ in 0..100 {
            bytes.drain(..self.put(&bytes));
            assert_eq!(self.serve().closed, None);
            while let Some(message) = self.receive() {
                if message.header.type_ == abi::WATCH_EVENT {
                    self.keep(&message);
                    continue;
                }
                assert_eq!(message.header.req_id, 0x1234);
                assert_eq!(message.header.tx_id, transaction);
                assert!(bytes.is_empty(), "the reply comes behind the request");
                return message;
            }
        }
        panic!("no reply to request {type_}")
    }

    fn keep(&mut self, event: &Received) {
        assert_eq!((event.header.req_id, event.header.tx_id), (0, 0));
        let text = String::from_utf8(event.payload.clone()).unwrap();
        let mut texts = text.strip_suffix('\0').unwrap().split('\0').map(str::to_owned);
        self.events.push((texts.next().unwrap(), texts.next().unwrap()));
        assert_eq!(texts.next(), None);
    }

    /// The reply's payload, or the name of the error.
    fn ask_in(&mut self, transaction: u32, type_: u32, payload: &str) -> Result<String, String> {
        let reply = self.request_in(transaction, type_, payload.as_bytes());
        let text = String::from_utf8(reply.payload).unwrap();
        if reply.header.type_ == abi::ERROR {
            return Err(text.strip_suffix('\0').unwrap().to_owned());
        }
        assert_eq!(reply.header.type_, type_);
        Ok(text)
    }

    fn ask(&mut self, type_: u32, payload: &str) -> Result<String, String> {
        self.ask_in(0, type_, payload)
    }

    /// Takes the events that have come, and those that still do.
    fn take_events(&mut self) -> Vec<(String, String)> {
        loop {
            let served = self.serve();
            let before = self.events.len();
            while let Some(message) = self.receive() {
                assert_eq!(message.header.type_, abi::WATCH_EVENT);
                self.keep(&message);
            }
            if !served.unfinished && self.events.len() == before {
                return std::mem::take(&mut self.events);
            }
        }
    }
}

fn err(name: &str) -> Result<String, String> {
    owned(Err(name))
}

fn ok(text: &str) -> Result<String, String> {
    owned(Ok(text))
}

fn owned(result: Result<&str, &str>) -> Result<String, String> {
    result.map(str::to_owned).map_err(str::to_owned)
}

fn event(path: &str, token: &str) -> (String, String) {
    (path.to_owned(), token.to_owned())
}
