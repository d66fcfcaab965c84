//! The ring in the console's page: bytes both ways, and indices that cannot be true.
//!
//! The hypervisor reads and writes memory that the guest may change as it likes. A length taken
//! from it could copy for ever or from elsewhere; output that waits for the line could be lost, or
//! keep the machine; input could be lost between the ring and `console_io`.
//! Expected: 1000 lines through a ring of 32, in order (the runner checks some); an event whenever
//! something moved; typed bytes in the ring and nowhere else, until its port is closed.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::{format, vec::Vec};
use core::sync::atomic::Ordering::SeqCst;

use scenarios::typing;
use xenolith_guest::{
    StartInfo,
    abi::domain::SELF,
    check, check_eq,
    events::Port,
    hypercall::{
        console,
        event_channel::{Connection, alloc_unbound, close, send, status},
        sched,
    },
    println,
    probe::{Window, cpuid},
    scenario::Checks,
    shared_info::shared_info,
    static_pages::PAGE_BYTES,
    x86_64::PhysAddr,
};

xenolith_guest::scenario!(run);

/// Sizes of the rings.
const IN_BYTES: u32 = 1024;
const OUT_BYTES: u32 = 2048;
/// Where everything is in the page.
const OUT: usize = 1024;
const IN_CONS: usize = 3072;
const IN_PROD: usize = 3076;
const OUT_CONS: usize = 3080;
const OUT_PROD: usize = 3084;

/// Rounds of waiting before giving up.
const PATIENCE: u32 = 2_000_000;

/// The console's page, and its port.
struct Ring {
    page: Window,
    port: Port,
}

impl Ring {
    fn index(&self, at: usize) -> u32 {
        self.page.u32(at)
    }

    fn set(&mut self, at: usize, index: u32) {
        self.page.set_u32(at, index);
    }

    /// Writes what there is room for, and returns how much that was.
    fn write(&mut self, text: &[u8]) -> usize {
        let produced = self.index(OUT_PROD);
        let room = OUT_BYTES - produced.wrapping_sub(self.index(OUT_CONS));
        let text = &text[..text.len().min(room as usize)];
        for (offset, byte) in (0..).zip(text) {
            let place = produced.wrapping_add(offset) % OUT_BYTES;
            self.page.write(OUT + place as usize, &[*byte]);
        }
        self.set(OUT_PROD, produced.wrapping_add(length(text)));
        text.len()
    }

    /// Writes all of `text`; returns how often it had to wait, or nothing if it waited in vain.
    fn write_all(&mut self, mut text: &[u8]) -> Option<u32> {
        for waits in 0..PATIENCE {
            text = &text[self.write(text)..];
            send(self.port).ok()?;
            if text.is_empty() {
                return Some(waits);
            }
            sched::yield_now().ok()?;
        }
        None
    }

    /// Waits until all that was written is consumed; returns whether it was.
    fn is_drained(&self) -> bool {
        (0..PATIENCE).any(|_| {
            let _ = sched::yield_now();
            self.index(OUT_CONS) == self.index(OUT_PROD)
        })
    }

    /// Reads one byte, if there is one.
    fn read(&mut self) -> Option<u8> {
        let consumed = self.index(IN_CONS);
        if consumed == self.index(IN_PROD) {
            return None;
        }
        let [byte] = self.page.bytes((consumed % IN_BYTES) as usize);
        self.set(IN_CONS, consumed.wrapping_add(1));
        Some(byte)
    }

    /// Takes the event that waits at the port, if there is one.
    fn take_event(&self) -> bool {
        let pending = shared_info().pending(0).fetch_and(!self.port.bit(), SeqCst);
        pending & self.port.bit() != 0
    }
}

fn length(text: &[u8]) -> u32 {
    u32::try_from(text.len()).unwrap_or(u32::MAX)
}

fn run(checks: &mut Checks, start: &'static StartInfo) {
    let mut page = Window::take(start);
    let raw = start.raw();
    page.map(0, PhysAddr::new(raw.console_mfn * PAGE_BYTES as u64), Window::DATA);
    let mut ring = Ring { page, port: Port(raw.console_evtchn) };
    check_start(checks, &ring, start);
    check_output(checks, &mut ring);
    check_wild_indices(checks, &mut ring);
    check_input(checks, &mut ring);
    check_closed(checks, &mut ring);
}

/// The port is there, and as Xen's tools number it.
fn check_start(checks: &mut Checks, ring: &Ring, start: &StartInfo) {
    check_eq!(checks, ring.port, Port(2), "console.domU.evtchn");
    check_eq!(checks, start.raw().store_evtchn, 1, "the store's port");
    let connection = status(SELF, ring.port).map(|status| status.connection);
    check!(checks, matches!(connection, Ok(Connection::Interdomain(0, _))), "{connection:?}");
    let next = alloc_unbound(SELF, SELF);
    check_eq!(checks, next, Ok(Port(3)), "the first port of our own");
    check_eq!(checks, next.and_then(close), Ok(()));
    for at in [IN_CONS, IN_PROD, OUT_CONS, OUT_PROD] {
        check_eq!(checks, ring.index(at), 0, "index at {at}");
    }
    check!(checks, !ring.take_event(), "no event yet");
}

fn check_output(checks: &mut Checks, ring: &mut Ring) {
    check_eq!(checks, ring.write_all(b"through the ring\r\n"), Some(0));
    check_eq!(checks, ring.index(OUT_CONS), 18, "consumed at once");
    check!(checks, ring.take_event(), "an event tells of it");
    check_eq!(checks, send(ring.port), Ok(()));
    check!(checks, !ring.take_event(), "nothing to tell");
    let mut waits = 0;
    for number in 0..1000 {
        match ring.write_all(format!("{:.<62}\r\n", format!("ring line {number} ")).as_bytes()) {
            Some(more) => waits += more,
            None => return checks.fail(format_args!("line {number} is stuck")),
        }
    }
    check!(checks, waits > 0, "64,000 bytes are more than fit in all queues");
    check_eq!(checks, ring.index(OUT_PROD), 18 + 64_000, "produced");
    check!(checks, ring.index(OUT_CONS) != ring.index(OUT_PROD), "some of it waits");
    // Exits of other kinds, in close succession, must not hold it up.
    let is_drained = (0..PATIENCE).any(|_| {
        cpuid::read(0, 0);
        ring.index(OUT_CONS) == ring.index(OUT_PROD)
    });
    check!(checks, is_drained, "what waited is consumed without a hypercall");
    check!(checks, ring.take_event(), "an event tells of it");
}

/// The page is full of a character that must not appear.
fn check_wild_indices(checks: &mut Checks, ring: &mut Ring) {
    ring.page.fill(0, IN_CONS, b'#');
    for (consumed, produced) in
        [(0, OUT_BYTES + 1), (1, 0), (7, u32::MAX), (1 << 31, 0), (0, 1 << 31)]
    {
        ring.set(OUT_CONS, consumed);
        ring.set(OUT_PROD, produced);
        ring.set(IN_CONS, consumed);
        ring.set(IN_PROD, produced);
        check_eq!(checks, send(ring.port), Ok(()));
        let _ = sched::yield_now();
        let found = [OUT_CONS, OUT_PROD, IN_CONS, IN_PROD].map(|at| ring.index(at));
        check_eq!(checks, found, [consumed, produced, consumed, produced], "nothing moves");
        check!(checks, !ring.take_event(), "nothing to tell");
    }
    for (start, text) in [(77, "after wild indices\r\n"), (u32::MAX - 3, "over the edge\r\n")] {
        for at in [OUT_CONS, OUT_PROD, IN_CONS, IN_PROD] {
            ring.set(at, start);
        }
        check_eq!(checks, ring.write_all(text.as_bytes()), Some(0));
        let end = start.wrapping_add(length(text.as_bytes()));
        check_eq!(checks, ring.index(OUT_PROD), end, "{}", text.trim_end());
        check!(checks, ring.is_drained(), "{}", text.trim_end());
    }
}

fn check_input(checks: &mut Checks, ring: &mut Ring) {
    ring.take_event();
    println!("type now");
    let (mut typed, mut buffer) = (Vec::new(), [0; 16]);
    for _ in 0..100 {
        let _ = sched::poll(&[ring.port], None);
        check!(checks, ring.take_event(), "the poll has ended by an event");
        check_eq!(checks, console::read(&mut buffer), Ok(0), "console_io has no input");
        typed.extend(core::iter::from_fn(|| ring.read()));
        if typed.ends_with(b"\r") {
            break;
        }
    }
    check_eq!(
        checks,
        core::str::from_utf8(&typed),
        Ok("The quick brown fox jumps over the lazy dog.\r")
    );
}

/// Without the port, input is where it was before.
fn check_closed(checks: &mut Checks, ring: &mut Ring) {
    check_eq!(checks, close(ring.port), Ok(()));
    check!(checks, send(ring.port).is_err(), "the port is closed");
    println!("type more");
    let typed = typing::line();
    check_eq!(checks, core::str::from_utf8(&typed), Ok("more\r"));
    check_eq!(checks, ring.read(), None, "in the ring");
}
