//! The store's page, written as no kernel should, and in pieces as Linux does.
//!
//! Linux writes a header and its payload apart, and tells of the first only if the store had taken
//! all before; so the store has to take a header without its payload. Indices and lengths are the
//! guest's claims: those that cannot be true must not move a byte, nor stop the hypervisor.
//! Expected: answers to pieces of any length; else the error in the page, silence, and after a
//! reconnection answers again.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::vec::Vec;
use xenolith_guest::{
    StartInfo,
    abi::xenstore::{self as abi, Message},
    check_eq,
    events::Port,
    hypercall::event_channel::send,
    probe::Window,
    scenario::Checks,
    static_pages::PAGE_BYTES,
    x86_64::PhysAddr,
};

xenolith_guest::scenario!(run);

const REPLIES: usize = 1024;
const REQ_CONS: usize = 2048;
const REQ_PROD: usize = 2052;
const RSP_CONS: usize = 2056;
const RSP_PROD: usize = 2060;
const CONNECTION: usize = 2068;
const ERROR: usize = 2072;

/// The store's page, and its port.
struct Rings {
    page: Window,
    port: Port,
}

impl Rings {
    /// Appends to the ring of requests, which has room.
    fn put(&mut self, bytes: &[u8]) {
        let mut at = self.page.u32(REQ_PROD);
        for byte in bytes {
            self.page.write((at % 1024) as usize, &[*byte]);
            at = at.wrapping_add(1);
        }
        self.page.set_u32(REQ_PROD, at);
    }

    /// Takes all that is in the ring of replies.
    fn take(&mut self) -> Vec<u8> {
        let (mut at, end) = (self.page.u32(RSP_CONS), self.page.u32(RSP_PROD));
        let mut bytes = Vec::new();
        while at != end && bytes.len() < 1024 {
            let [byte] = self.page.bytes(REPLIES + (at % 1024) as usize);
            bytes.push(byte);
            at = at.wrapping_add(1);
        }
        self.page.set_u32(RSP_CONS, at);
        bytes
    }

    fn set(&mut self, indices: [u32; 4]) {
        for (at, index) in [REQ_CONS, REQ_PROD, RSP_CONS, RSP_PROD].into_iter().zip(indices) {
            self.page.set_u32(at, index);
        }
    }

    fn indices(&self) -> [u32; 4] {
        [REQ_CONS, REQ_PROD, RSP_CONS, RSP_PROD].map(|at| self.page.u32(at))
    }
}

fn message(type_: u32, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    let header = [type_, 5, 0, len].into_iter().flat_map(u32::to_le_bytes);
    header.chain(payload.iter().copied()).collect()
}

fn run(checks: &mut Checks, start: &'static StartInfo) {
    let mut page = Window::take(start);
    let raw = start.raw();
    page.map(0, PhysAddr::new(raw.store_mfn * PAGE_BYTES as u64), Window::DATA);
    let mut rings = Rings { page, port: Port(raw.store_evtchn) };
    check_eq!(checks, rings.indices(), [0; 4], "at the start");
    check_pieces(checks, &mut rings);
    check_wild_indices(checks, &mut rings);
    check_lengths(checks, &mut rings);
    check_indices_anywhere(checks, &mut rings);
    check_flood(checks, &mut rings);
}

/// Whether a read is answered.
fn check_answer(checks: &mut Checks, rings: &mut Rings, what: &str) {
    rings.put(&message(abi::READ, b"domid\0"));
    check_eq!(checks, send(rings.port), Ok(()));
    check_eq!(checks, rings.take(), message(abi::READ, b"1"), "{what}");
}

fn check_pieces(checks: &mut Checks, rings: &mut Rings) {
    let request = message(abi::READ, b"domid\0");
    let (header, payload) = request.split_at(size_of::<Message>());
    rings.put(header);
    check_eq!(checks, send(rings.port), Ok(()));
    let taken = rings.page.u32(REQ_CONS) == rings.page.u32(REQ_PROD);
    check_eq!(checks, taken, true, "the header is taken alone");
    check_eq!(checks, rings.take(), Vec::<u8>::new(), "no answer yet");
    rings.put(payload);
    check_eq!(checks, send(rings.port), Ok(()));
    check_eq!(checks, rings.take(), message(abi::READ, b"1"), "header and payload apart");
    for byte in &request {
        rings.put(&[*byte]);
        check_eq!(checks, send(rings.port), Ok(()));
    }
    check_eq!(checks, rings.take(), message(abi::READ, b"1"), "byte by byte");
}

/// Opens the connection again, which has been closed for `error`.
fn check_closed(checks: &mut Checks, rings: &mut Rings, error: u32) {
    check_eq!(checks, rings.page.u32(ERROR), error, "why it is closed");
    let before = rings.indices();
    check_eq!(checks, send(rings.port), Ok(()));
    check_eq!(checks, rings.indices(), before, "nothing moves");
    rings.page.set_u32(CONNECTION, abi::RECONNECT);
    check_eq!(checks, send(rings.port), Ok(()));
    check_eq!(checks, rings.page.u32(CONNECTION), abi::CONNECTED, "opened again");
    check_eq!(checks, (rings.indices(), rings.page.u32(ERROR)), ([0; 4], 0), "from the start");
    check_answer(checks, rings, "after a reconnection");
    rings.set([0; 4]);
}

fn check_wild_indices(checks: &mut Checks, rings: &mut Rings) {
    rings.set([0; 4]);
    for indices in [[0, 1025, 0, 0], [u32::MAX, 0x7fff_ffff, 0, 0]] {
        rings.set(indices);
        check_eq!(checks, send(rings.port), Ok(()));
        check_closed(checks, rings, abi::ERROR_RINGIDX);
    }
    rings.put(&message(abi::READ, b"domid\0"));
    rings.page.set_u32(RSP_CONS, 1);
    check_eq!(checks, send(rings.port), Ok(()));
    check_closed(checks, rings, abi::ERROR_RINGIDX);
}

fn check_lengths(checks: &mut Checks, rings: &mut Rings) {
    for length in [4097, u32::MAX] {
        let header = [abi::WRITE, 5, 0, length].into_iter().flat_map(u32::to_le_bytes);
        rings.put(&header.collect::<Vec<_>>());
        check_eq!(checks, send(rings.port), Ok(()));
        check_closed(checks, rings, abi::ERROR_PROTO);
    }
}

/// Indices run freely, and may begin anywhere.
fn check_indices_anywhere(checks: &mut Checks, rings: &mut Rings) {
    let (requests, replies) = (0xffff_fff0, 0x8000_03ff);
    rings.set([requests, requests, replies, replies]);
    for _ in 0..3 {
        check_answer(checks, rings, "from any index");
    }
}

/// Whoever has its connection closed and opened again all the time does not fill the log.
fn check_flood(checks: &mut Checks, rings: &mut Rings) {
    for length in 5000..5100 {
        rings.set([0; 4]);
        let header = [abi::WRITE, 5, 0, length].into_iter().flat_map(u32::to_le_bytes);
        rings.put(&header.collect::<Vec<_>>());
        let is_told = send(rings.port);
        rings.page.set_u32(CONNECTION, abi::RECONNECT);
        if is_told.is_err() || send(rings.port).is_err() {
            break;
        }
    }
    check_answer(checks, rings, "after a flood");
}
