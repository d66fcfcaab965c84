//! A front end of a block device that does what it is told: its pages are those of the window, and
//! what it writes into ring, grants and store may be anything.
//!
//! ```text
//! page of the window   0 argument of grant_table_op   1 grant table   2 ring   3, 4 indirect segments
//!                      8 and up data
//! ```

use alloc::{format, string::String};

use x86_64::PhysAddr;
use xenolith_abi::{
    block::{RING_SIZE, Request, Response},
    domain::SELF,
    grant::{GTF_PERMIT_ACCESS, SETUP_TABLE},
    hypercall::GRANT_TABLE_OP,
    xenbus::{
        STATE_CLOSED, STATE_CONNECTED, STATE_INIT_WAIT, STATE_INITIALISED, STATE_INITIALISING,
    },
};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes};

use super::{Window, hypercall::syscall};
use crate::{
    StartInfo,
    events::Port,
    hypercall::{event_channel, sched},
    static_pages::PAGE_BYTES,
    store::{Store, Transaction},
};

/// The device's directory in the domain's home.
const DEVICE: &str = "device/vbd/51712";
const TABLE: usize = 1;
const RING: usize = 2;
/// The pages with segments of indirect requests.
pub const INDIRECT: usize = 3;
/// The first page for data.
pub const DATA: usize = 8;
/// How often something is waited for.
const PATIENCE: u32 = 100_000;
/// Page N of the window is granted by entry N and this.
pub const FIRST_REFERENCE: u32 = 100;

/// The front end.
#[derive(Debug)]
pub struct BlockFront {
    /// Its pages.
    pub window: Window,
    /// The store.
    pub store: Store,
    /// Its port.
    pub port: Port,
    produced: u32,
    consumed: u32,
}

impl BlockFront {
    /// Takes the window and the store, maps the grant table, and grants all pages from the ring on to
    /// domain 0. Returns `None` where there is no store or no table.
    pub fn new(start: &'static StartInfo) -> Option<Self> {
        let (store, mut window) = (Store::connect(start)?, Window::take(start));
        window.fill(0, 32, 0);
        window.write(0, &SELF.to_le_bytes());
        window.write(4, &1_u32.to_le_bytes());
        let list = window.address(256).as_u64();
        window.write(16, &list.to_le_bytes());
        let argument = window.address(0).as_u64();
        if syscall(GRANT_TABLE_OP.into(), [SETUP_TABLE.into(), argument, 1, 0, 0]) != 0 {
            return None;
        }
        let frame = window.u64(256);
        window.map(TABLE, PhysAddr::new(frame * PAGE_BYTES as u64), Window::DATA);
        let mut front = Self { window, store, port: Port(0), produced: 0, consumed: 0 };
        for (page, reference) in (0..Window::PAGES).zip(FIRST_REFERENCE..).skip(RING) {
            front.grant(reference, front.frame(page), GTF_PERMIT_ACCESS, 0);
        }
        Some(front)
    }

    /// The frame of a page of the window.
    pub fn frame(&self, page: usize) -> u32 {
        let frame = self.window.own_frame(page).as_u64() / PAGE_BYTES as u64;
        u32::try_from(frame).unwrap_or(u32::MAX)
    }

    /// Sets an entry of the grant table.
    pub fn grant(&mut self, reference: u32, frame: u32, flags: u16, domain: u16) {
        let at = Self::entry(reference);
        self.window.set_u32(at + 4, frame);
        self.window.set_u32(at, u32::from(flags) | u32::from(domain) << 16);
    }

    /// The flags of an entry of the grant table.
    pub fn flags(&self, reference: u32) -> u16 {
        u16::from_le_bytes(self.window.bytes(Self::entry(reference)))
    }

    fn entry(reference: u32) -> usize {
        TABLE * PAGE_BYTES + 8 * reference as usize
    }

    /// Reads a node of the back end, or says why not.
    pub fn back_end(&mut self, node: &str) -> String {
        let back = self.store.read(Transaction::NONE, &format!("{DEVICE}/backend"));
        let path = format!("{}/{node}", String::from_utf8_lossy(&back.unwrap_or_default()));
        match self.store.read(Transaction::NONE, &path) {
            Ok(value) => String::from_utf8_lossy(&value).into_owned(),
            Err(error) => format!("{error}"),
        }
    }

    /// Writes a node of the front end.
    pub fn say(&mut self, node: &str, value: &str) {
        // What has not been written will be missed.
        let _ = self.store.write(Transaction::NONE, &format!("{DEVICE}/{node}"), value.as_bytes());
    }

    /// Enters a state, and returns the back end's.
    pub fn enter(&mut self, state: u32) -> String {
        self.say("state", &format!("{state}"));
        self.back_end("state")
    }

    /// Makes an empty ring and a port, and says so in the store.
    pub fn prepare(&mut self) {
        if let Ok(port) = event_channel::alloc_unbound(SELF, 0) {
            self.port = port;
        }
        (self.produced, self.consumed) = (0, 0);
        self.window.fill(RING * PAGE_BYTES, PAGE_BYTES, 0);
        self.set_ring([0, 1, 0, 1]);
        let port = format!("{}", self.port);
        for (node, value) in [
            ("ring-ref", &*format!("{}", FIRST_REFERENCE + 2)),
            ("event-channel", &port),
            ("protocol", "x86_64-abi"),
        ] {
            self.say(node, value);
        }
    }

    /// Opens the device. Returns whether it is connected.
    pub fn open(&mut self) -> bool {
        let waits = self.enter(STATE_INITIALISING) == format!("{STATE_INIT_WAIT}");
        self.prepare();
        waits
            && self.enter(STATE_INITIALISED) == format!("{STATE_CONNECTED}")
            && self.enter(STATE_CONNECTED) == format!("{STATE_CONNECTED}")
    }

    /// Closes the device. Returns whether it is closed.
    pub fn close(&mut self) -> bool {
        let is_closed = self.enter(STATE_CLOSED) == format!("{STATE_CLOSED}");
        is_closed && event_channel::close(self.port).is_ok()
    }

    /// The indices of the ring: req_prod, req_event, rsp_prod, rsp_event.
    pub fn ring(&self) -> [u32; 4] {
        [0, 4, 8, 12].map(|at| self.window.u32(RING * PAGE_BYTES + at))
    }

    /// Sets them.
    pub fn set_ring(&mut self, indices: [u32; 4]) {
        for (at, index) in [0, 4, 8, 12].into_iter().zip(indices) {
            self.window.set_u32(RING * PAGE_BYTES + at, index);
        }
    }

    /// Puts a request into the ring, and tells nobody.
    pub fn put(&mut self, request: &(impl IntoBytes + Immutable)) {
        let index = (self.produced % RING_SIZE) as usize;
        self.window
            .write(RING * PAGE_BYTES + 64 + index * size_of::<Request>(), request.as_bytes());
        self.produced = self.produced.wrapping_add(1);
    }

    /// Shows the requests to the back end, and sends an event if it wants one. Returns whether it did.
    pub fn push(&mut self) -> bool {
        let old = self.ring()[0];
        self.window.set_u32(RING * PAGE_BYTES, self.produced);
        let event = self.ring()[1];
        let new = self.produced.wrapping_sub(old);
        let is_wanted = self.produced.wrapping_sub(event) < new;
        if is_wanted {
            // A port that is closed will be missed.
            let _ = event_channel::send(self.port);
        }
        is_wanted
    }

    /// Takes a response, if there is one.
    pub fn take(&mut self) -> Option<Response> {
        if self.consumed == self.ring()[2] {
            return None;
        }
        let index = (self.consumed % RING_SIZE) as usize;
        let at = RING * PAGE_BYTES + 64 + index * size_of::<Request>();
        self.consumed = self.consumed.wrapping_add(1);
        let bytes = self.window.bytes::<{ size_of::<Response>() }>(at);
        Response::read_from_bytes(&bytes).ok()
    }

    /// Takes a response, and waits for it.
    pub fn wait(&mut self) -> Option<Response> {
        for _ in 0..PATIENCE {
            if let Some(response) = self.take() {
                return Some(response);
            }
            sched::yield_now().ok()?;
        }
        None
    }

    /// Makes a request and returns its status; 1 where there is no answer.
    pub fn status(&mut self, request: &(impl IntoBytes + Immutable)) -> i16 {
        self.put(request);
        self.push();
        self.wait().map_or(1, |response| response.status)
    }
}

/// A direct request, whose segments are pages of the window from a sector to another.
pub fn request(operation: u8, sector_number: u64, segments: &[(usize, u8, u8)]) -> Request {
    let mut request = Request::new_zeroed();
    (request.operation, request.sector_number) = (operation, sector_number);
    for (to, from) in request.seg.iter_mut().zip(segments) {
        *to = segment(*from);
        request.nr_segments += 1;
    }
    request.id = sector_number ^ 0x5a5a;
    request
}

/// A segment.
pub fn segment((page, first_sect, last_sect): (usize, u8, u8)) -> xenolith_abi::block::Segment {
    let page = u32::try_from(page).unwrap_or(u32::MAX);
    let reference = FIRST_REFERENCE.saturating_add(page);
    xenolith_abi::block::Segment { reference, first_sect, last_sect, padding: 0 }
}

impl BlockFront {
    /// Puts segments into the pages for that, and returns an indirect request with them.
    pub fn indirect(
        &mut self,
        indirect_op: u8,
        sector_number: u64,
        segments: impl Iterator<Item = (usize, u8, u8)>,
    ) -> xenolith_abi::block::RequestIndirect {
        let mut request = xenolith_abi::block::RequestIndirect::new_zeroed();
        request.operation = xenolith_abi::block::OP_INDIRECT;
        (request.indirect_op, request.sector_number) = (indirect_op, sector_number);
        for (at, from) in segments.enumerate() {
            self.window.write(INDIRECT * PAGE_BYTES + 8 * at, segment(from).as_bytes());
            request.nr_segments += 1;
        }
        for (reference, page) in request.indirect_grefs.iter_mut().zip(INDIRECT..).take(2) {
            *reference = segment((page, 0, 0)).reference;
        }
        request
    }
}
