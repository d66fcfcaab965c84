//! The ring of a domain's console page (`xen/public/io/console.h`), served as Xen's console daemon
//! does where Xen has one.
//!
//! Both sides count bytes in indices that run freely; what is in a ring lies from consumer to
//! producer. The page is the guest's: indices are read once, and a pair that says that more is in
//! a ring than fits moves nothing. Positions are masked, so the rest is the guest's own nonsense.

use super::{ByteQueue, INPUT_BYTES};
use crate::address::{Gpa, to_u64, to_usize};
use crate::guest_memory::GuestMemory;
use core::mem::offset_of;
use xenolith_abi::console::ConsoleInterface;

/// Bytes that are copied at a time.
const CHUNK_BYTES: usize = 128;

/// A ring in the page: where it lies and how large it is, a power of two.
#[derive(Clone, Copy)]
struct Place {
    bytes: usize,
    size: u32,
    /// The word of its consumer and, in the upper half, its producer.
    indices: usize,
}

const OUTPUT: Place = Place {
    bytes: offset_of!(ConsoleInterface, output),
    size: 2048,
    indices: offset_of!(ConsoleInterface, out_cons),
};
const INPUT: Place = Place {
    bytes: offset_of!(ConsoleInterface, input),
    size: 1024,
    indices: offset_of!(ConsoleInterface, in_cons),
};
const _: () = assert!(OUTPUT.indices + 4 == offset_of!(ConsoleInterface, out_prod));
const _: () = assert!(INPUT.indices + 4 == offset_of!(ConsoleInterface, in_prod));
const _: () = assert!(INPUT.bytes + INPUT.size as usize == OUTPUT.bytes);
const _: () = assert!(OUTPUT.bytes + OUTPUT.size as usize == INPUT.indices);

/// What the hypervisor knows of a domain's console page.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ConsoleRing {
    page: Gpa,
    attached: bool,
    has_output: bool,
}

impl ConsoleRing {
    /// Makes the ring in `page`, which the domain does not use yet.
    pub const fn new(page: Gpa) -> Self {
        Self { page, attached: false, has_output: false }
    }

    /// Returns whether the domain uses the ring.
    pub const fn is_attached(&self) -> bool {
        self.attached
    }

    /// Returns whether output was left in the ring for want of room.
    pub const fn has_output(&self) -> bool {
        self.has_output
    }

    pub(super) const fn attach(&mut self) {
        self.attached = true;
    }

    pub(super) const fn detach(&mut self) {
        *self = Self::new(self.page);
    }

    /// Hands at most `room` bytes of output to `sink`, in order, and returns whether any were.
    pub(super) fn take_output<M: GuestMemory>(
        &mut self,
        memory: &mut M,
        room: usize,
        mut sink: impl FnMut(&[u8]),
    ) -> bool {
        let Some(ring) = Claim::read(memory, self.page, OUTPUT) else { return false };
        let end = ring.used.min(u32::try_from(room).unwrap_or(u32::MAX));
        let mut done = 0;
        while done < end {
            let mut chunk = [0; CHUNK_BYTES];
            let (at, len) = ring.piece(ring.consumer.wrapping_add(done), end - done);
            let chunk = &mut chunk[..len];
            memory.read(at, chunk);
            sink(chunk);
            done += u32::try_from(len).expect("a chunk is short");
        }
        self.has_output = done < ring.used;
        done != 0 && memory.store_u32(ring.index(0), ring.consumer.wrapping_add(done))
    }

    /// Moves as much of `input` as there is room for, and returns whether anything was.
    pub(super) fn give_input<M: GuestMemory>(
        &self,
        memory: &mut M,
        input: &mut ByteQueue<INPUT_BYTES>,
    ) -> bool {
        if input.is_empty() {
            return false;
        }
        let Some(ring) = Claim::read(memory, self.page, INPUT) else { return false };
        let room = INPUT.size - ring.used;
        let mut done = 0;
        while done < room && !input.is_empty() {
            let (at, len) = ring.piece(ring.producer.wrapping_add(done), room - done);
            let front = input.front();
            let len = len.min(front.len());
            memory.write(at, &front[..len]);
            input.consume(len);
            done += u32::try_from(len).expect("a chunk is short");
        }
        done != 0 && memory.store_u32(ring.index(1), ring.producer.wrapping_add(done))
    }
}

/// What the guest says of a ring, as far as it can be true.
struct Claim {
    page: Gpa,
    place: Place,
    consumer: u32,
    producer: u32,
    /// Bytes in the ring, no more than fit.
    used: u32,
}

impl Claim {
    /// Reads both indices at once; `None` if they cannot be true.
    fn read<M: GuestMemory>(memory: &M, page: Gpa, place: Place) -> Option<Self> {
        let word = memory.read_word(Gpa(page.0 + to_u64(place.indices)))?;
        let [c0, c1, c2, c3, p0, p1, p2, p3] = word.to_le_bytes();
        let consumer = u32::from_le_bytes([c0, c1, c2, c3]);
        let producer = u32::from_le_bytes([p0, p1, p2, p3]);
        let used = producer.wrapping_sub(consumer);
        (used <= place.size).then_some(Self { page, place, consumer, producer, used })
    }

    /// Returns where index `index` is, and how many of `count` bytes from there on lie in one
    /// piece and one chunk.
    fn piece(&self, index: u32, count: u32) -> (Gpa, usize) {
        let offset = index % self.place.size;
        let len = to_usize(count.min(self.place.size - offset).into()).min(CHUNK_BYTES);
        (Gpa(self.page.0 + to_u64(self.place.bytes) + u64::from(offset)), len)
    }

    /// Returns where the consumer (0) or the producer (1) is.
    fn index(&self, which: u64) -> Gpa {
        Gpa(self.page.0 + to_u64(self.place.indices) + 4 * which)
    }
}
