//! A guest with a front end, for tests and fuzzing.
//!
//! ```text
//! frame 1 shared page   2 grant table   3 ring   4, 5 indirect segments   6 read-only
//!       8 .. 40 pages for data
//! ```

use super::nodes::{BackEnd, FrontEnd};
use super::{BlockDevice, Buffers, Medium, SECTOR_BYTES, Served, Surroundings};
use crate::address::{DomId, Gpa, to_u64, to_usize};
use crate::event_channel::{EventChannels, Port};
use crate::grant_table::GrantTable;
use crate::guest_memory::{GuestMemory, TestMemory};
use crate::store::Store;
use std::boxed::Box;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;
use xenolith_abi::block::{RING_SIZE, Request, RequestIndirect, Response, Segment};
use xenolith_abi::grant::GTF_PERMIT_ACCESS;
use zerocopy::{FromZeros, IntoBytes};

pub(crate) const DOMAIN: DomId = DomId(1);
pub(crate) const SHARED: u64 = 1;
pub(crate) const TABLE: u64 = 2;
pub(crate) const RING: u64 = 3;
pub(crate) const INDIRECT: [u64; 2] = [4, 5];
pub(crate) const READ_ONLY: u64 = 6;
/// The frames for data, and how many there are.
pub(crate) const DATA: u64 = 8;
pub(crate) const DATA_PAGES: u64 = 32;
/// Entry N grants frame N, so that references are easy to read.
pub(crate) const GRANTED: u64 = DATA + DATA_PAGES;
/// Sectors of the disk.
pub(crate) const SECTORS: u64 = 4096;

/// A disk.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct TestDisk {
    pub(crate) bytes: Vec<u8>,
    pub(crate) read_only: bool,
    pub(crate) flushes: u32,
}

impl TestDisk {
    /// One whose sectors differ.
    pub(crate) fn new() -> Self {
        let byte = |at: u64| (at.wrapping_mul(0x9e37_79b9) >> 16).to_le_bytes()[0];
        let bytes = (0..SECTORS * to_u64(SECTOR_BYTES)).map(byte).collect();
        Self { bytes, read_only: false, flushes: 0 }
    }

    /// The bytes of some sectors.
    pub(crate) fn part(&mut self, sector: u64, bytes: usize) -> &mut [u8] {
        assert!(bytes <= 4096 && bytes.is_multiple_of(SECTOR_BYTES), "{bytes} bytes");
        &mut self.bytes[to_usize(sector) * SECTOR_BYTES..][..bytes]
    }
}

impl Medium for TestDisk {
    fn sectors(&self) -> u64 {
        to_u64(self.bytes.len() / SECTOR_BYTES)
    }

    fn is_read_only(&self) -> bool {
        self.read_only
    }

    fn read(&mut self, sector: u64, into: &mut [u8]) {
        into.copy_from_slice(self.part(sector, into.len()));
    }

    fn write(&mut self, sector: u64, from: &[u8]) {
        assert!(!self.read_only, "a disk that is read-only is written");
        self.part(sector, from.len()).copy_from_slice(from);
    }

    fn flush(&mut self) {
        self.flushes += 1;
    }
}

/// The device.
pub(crate) type TestDevice = BlockDevice<Box<Buffers>>;

/// The guest, and the device.
pub(crate) struct Guest {
    pub(crate) memory: TestMemory,
    pub(crate) channels: Box<EventChannels>,
    pub(crate) store: Box<Store>,
    pub(crate) device: TestDevice,
    pub(crate) disk: TestDisk,
    pub(crate) logged: Vec<String>,
    pub(crate) port: Port,
    pub(crate) produced: u32,
    pub(crate) consumed: u32,
}

#[cfg_attr(not(test), allow(dead_code, reason = "tests use more of it than fuzzing"))]
impl Guest {
    /// One that has granted everything; nothing is connected.
    pub(crate) fn new() -> Self {
        let memory = TestMemory::default().with_pages(1, 5, true).with_pages(READ_ONLY, 1, false);
        let memory = memory.with_pages(DATA, DATA_PAGES, true);
        let mut channels = EventChannels::new_box_zeroed().expect("there is memory");
        channels.start(DOMAIN, Gpa(SHARED << 12), 1);
        let mut store = Store::new_box_zeroed().expect("there is memory");
        store.plant().expect("it is small");
        let port = channels.alloc_unbound(DomId(0)).expect("all ports are free");
        let (device, disk) = (device(), TestDisk::new());
        let (logged, produced, consumed) = (Vec::new(), 0, 0);
        let mut guest =
            Self { memory, channels, store, device, disk, logged, port, produced, consumed };
        guest.device.introduce(&mut guest.store, &guest.disk).expect("there is room");
        for frame in 1..GRANTED {
            guest.grant(frame, frame, GTF_PERMIT_ACCESS, 0);
        }
        guest
    }

    /// One that is connected.
    pub(crate) fn connected() -> Self {
        let mut guest = Self::new();
        guest.connect();
        guest
    }

    /// Says in the store what a front end says, and connects.
    pub(crate) fn connect(&mut self) {
        (self.produced, self.consumed) = (0, 0);
        self.memory.write(Gpa(RING << 12), &[0; 4096]);
        self.set_ring([0, 1, 0, 1]);
        let port = self.port.0.to_string();
        for (node, value) in
            [("ring-ref", "3"), ("event-channel", &port), ("protocol", "x86_64-abi")]
        {
            self.say(node, value);
        }
        self.enter(3);
    }

    /// Writes a node of the front end.
    pub(crate) fn say(&mut self, node: &str, value: &str) {
        let path = format!("{}/{node}", FrontEnd(DOMAIN));
        self.store.write(path.as_bytes(), value.as_bytes()).expect("there is room");
    }

    /// Writes its state, which the back end then looks at.
    pub(crate) fn enter(&mut self, state: u32) -> bool {
        self.say("state", &state.to_string());
        self.with(BlockDevice::front_end_changed)
    }

    /// The back end's node.
    pub(crate) fn said(&self, node: &str) -> String {
        let path = format!("{}/{node}", BackEnd(DOMAIN));
        String::from_utf8_lossy(self.store.read(path.as_bytes()).unwrap_or(b"-")).into_owned()
    }

    /// Runs `action` on the device and all around it.
    pub(crate) fn with<R>(
        &mut self,
        action: impl FnOnce(&mut TestDevice, &mut Surroundings<'_, TestMemory, TestDisk>) -> R,
    ) -> R {
        let logged = &mut self.logged;
        let mut around = Surroundings {
            memory: &mut self.memory,
            grants: GrantTable { start: Gpa(TABLE << 12), frames: 1 },
            channels: &mut self.channels,
            store: &mut self.store,
            medium: &mut self.disk,
            log: &mut |line| logged.push(line.to_string()),
        };
        action(&mut self.device, &mut around)
    }

    /// Serves some requests.
    pub(crate) fn serve(&mut self) -> Served {
        self.with(BlockDevice::serve)
    }

    /// Serves all requests; returns how often that took.
    pub(crate) fn serve_all(&mut self) -> u32 {
        // A full ring of the longest requests.
        for times in 1..RING_SIZE * 10 {
            if !self.serve().unfinished {
                return times;
            }
        }
        panic!("the device never comes to an end");
    }

    /// Sets entry `reference`.
    pub(crate) fn grant(&mut self, reference: u64, frame: u64, flags: u16, domain: u16) {
        let entry = u64::from(flags) | u64::from(domain) << 16 | frame << 32;
        self.memory.poke((TABLE << 12) + 8 * reference, entry);
    }

    /// The flags of entry `reference`.
    pub(crate) fn flags(&self, reference: u64) -> u64 {
        self.memory.read_word(Gpa((TABLE << 12) + 8 * reference)).expect("it is there") & 0xffff
    }

    /// The indices of the ring: req_prod, req_event, rsp_prod, rsp_event.
    pub(crate) fn ring(&self) -> [u32; 4] {
        let mut bytes = [0; 16];
        assert!(self.memory.read(Gpa(RING << 12), &mut bytes));
        zerocopy::transmute!(bytes)
    }

    pub(crate) fn set_ring(&mut self, indices: [u32; 4]) {
        assert!(self.memory.write(Gpa(RING << 12), indices.as_bytes()));
    }

    /// Where the entry of an index is.
    pub(crate) fn entry(index: u32) -> Gpa {
        Gpa((RING << 12) + 64 + 112 * u64::from(index % RING_SIZE))
    }

    /// Makes a request.
    pub(crate) fn put(&mut self, request: &[u8]) {
        assert!(self.memory.write(Self::entry(self.produced), request));
        self.produced = self.produced.wrapping_add(1);
        assert!(self.memory.store_u32(Gpa(RING << 12), self.produced));
    }

    /// Takes a response, if there is one.
    pub(crate) fn take(&mut self) -> Option<Response> {
        if self.consumed == self.ring()[2] {
            return None;
        }
        let mut response = Response::new_zeroed();
        assert!(self.memory.read(Self::entry(self.consumed), response.as_mut_bytes()));
        self.consumed = self.consumed.wrapping_add(1);
        Some(response)
    }

    /// Makes a request, has it served, and returns its status.
    pub(crate) fn status(&mut self, request: &[u8]) -> i16 {
        self.put(request);
        self.serve_all();
        self.take().expect("it is answered").status
    }

    /// The bytes of a page.
    pub(crate) fn page(&self, frame: u64) -> Vec<u8> {
        let mut bytes = std::vec![0; 4096];
        assert!(self.memory.read(Gpa(frame << 12), &mut bytes));
        bytes
    }
}

/// A new device.
pub(crate) fn device() -> TestDevice {
    BlockDevice::new(DOMAIN, Buffers::new_box_zeroed().expect("there is memory"))
}

/// A part of a page that is granted by its number.
pub(crate) fn segment(frame: u64, first_sect: u8, last_sect: u8) -> Segment {
    let reference = u32::try_from(frame).expect("frames are few");
    Segment { reference, first_sect, last_sect, padding: 0 }
}

/// A direct request.
pub(crate) fn request(operation: u8, sector_number: u64, segments: &[Segment]) -> Request {
    let mut seg = [segment(0, 0, 0); 11];
    seg[..segments.len()].copy_from_slice(segments);
    let nr_segments = u8::try_from(segments.len()).expect("they are few");
    let id = 0xabcd;
    Request { operation, nr_segments, handle: 0, padding: 0, id, sector_number, seg }
}

impl Guest {
    /// An indirect request, whose segments are put into the pages for that.
    pub(crate) fn indirect(
        &mut self,
        indirect_op: u8,
        sector_number: u64,
        segments: &[Segment],
    ) -> RequestIndirect {
        for (segments, frame) in segments.chunks(512).zip(INDIRECT) {
            assert!(self.memory.write(Gpa(frame << 12), segments.as_bytes()));
        }
        let mut indirect_grefs = [0; 8];
        for (reference, frame) in indirect_grefs.iter_mut().zip(INDIRECT) {
            *reference = u32::try_from(frame).expect("frames are few");
        }
        let nr_segments = u16::try_from(segments.len()).expect("they are few");
        RequestIndirect {
            operation: xenolith_abi::block::OP_INDIRECT,
            indirect_op,
            nr_segments,
            id: 0x1234,
            sector_number,
            indirect_grefs,
            ..RequestIndirect::new_zeroed()
        }
    }
}
