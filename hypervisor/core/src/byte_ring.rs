//! A ring of bytes in a page that the hypervisor shares with a guest, seen from the hypervisor.
//!
//! Both sides count bytes in indices that run freely; what is in a ring lies from consumer to
//! producer. The page is the guest's: indices are read once, both at a time, and a pair that says
//! that more is in a ring than fits is no ring. Positions are masked, so the rest is the guest's
//! own nonsense.

use crate::address::{Gpa, to_u64, to_usize};
use crate::guest_memory::GuestMemory;

/// Bytes that are copied at a time, at most.
pub const CHUNK_BYTES: usize = 128;

/// A ring in its page: where it lies and how large it is.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Where its bytes begin.
    pub bytes: usize,
    /// How many there are, a power of two.
    pub size: u32,
    /// The word of its consumer and, in the upper half, its producer; a multiple of 8.
    pub indices: usize,
}

/// What a guest said of a ring just now, as far as it can be true.
#[derive(Clone, Copy, Debug)]
pub struct ByteRing {
    page: Gpa,
    place: Place,
    consumer: u32,
    producer: u32,
}

/// Why there is no ring.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NoRing {
    /// The guest has no memory there.
    NoMemory,
    /// What the guest says cannot be true: there is more in it than fits.
    WrongIndex {
        /// What was consumed.
        consumer: u32,
        /// What was produced.
        producer: u32,
    },
}

impl ByteRing {
    /// Reads both indices of the ring at `place` in `page`.
    ///
    /// # Errors
    ///
    /// When there are none, or they cannot be true.
    pub fn read<M: GuestMemory>(memory: &M, page: Gpa, place: Place) -> Result<Self, NoRing> {
        let indices = Gpa(page.0 + to_u64(place.indices));
        let word = memory.read_word(indices).ok_or(NoRing::NoMemory)?;
        let [c0, c1, c2, c3, p0, p1, p2, p3] = word.to_le_bytes();
        let consumer = u32::from_le_bytes([c0, c1, c2, c3]);
        let producer = u32::from_le_bytes([p0, p1, p2, p3]);
        if producer.wrapping_sub(consumer) > place.size {
            return Err(NoRing::WrongIndex { consumer, producer });
        }
        Ok(Self { page, place, consumer, producer })
    }

    /// Returns how many bytes are in the ring.
    pub const fn used(&self) -> u32 {
        self.producer.wrapping_sub(self.consumer)
    }

    /// Returns how many bytes fit.
    pub const fn room(&self) -> u32 {
        self.place.size - self.used()
    }

    /// Copies a piece from the front into `into`, without taking it; returns its length, which is 0
    /// only if there is nothing or no room for it.
    pub fn peek<M: GuestMemory>(&self, memory: &M, into: &mut [u8]) -> usize {
        let (at, len) = self.piece(self.consumer, self.used(), into.len());
        // Where there is no memory the bytes stay as they are.
        memory.read(at, &mut into[..len]);
        len
    }

    /// Takes `count` bytes off the front, of those that were there.
    pub fn consume(&mut self, count: usize) {
        self.consumer = self.consumer.wrapping_add(narrow(count).min(self.used()));
    }

    /// Copies a piece of `from` behind what is there; returns its length, which is 0 only if there
    /// is nothing or no room for it.
    pub fn append<M: GuestMemory>(&mut self, memory: &mut M, from: &[u8]) -> usize {
        let (at, len) = self.piece(self.producer, self.room(), from.len());
        memory.write(at, &from[..len]);
        self.producer = self.producer.wrapping_add(narrow(len));
        len
    }

    /// Tells the guest how much has been consumed. Returns whether there is memory for it.
    pub fn store_consumer<M: GuestMemory>(&self, memory: &mut M) -> bool {
        memory.store_u32(self.index(0), self.consumer)
    }

    /// Tells the guest how much has been produced. Returns whether there is memory for it.
    pub fn store_producer<M: GuestMemory>(&self, memory: &mut M) -> bool {
        memory.store_u32(self.index(1), self.producer)
    }

    /// Returns where `index` is, and how many of `available` bytes from there on lie in one piece,
    /// one chunk and `limit`.
    fn piece(&self, index: u32, available: u32, limit: usize) -> (Gpa, usize) {
        let offset = index % self.place.size;
        let len = to_usize(available.min(self.place.size - offset).into()).min(CHUNK_BYTES);
        (Gpa(self.page.0 + to_u64(self.place.bytes) + u64::from(offset)), len.min(limit))
    }

    /// Returns where the consumer (0) or the producer (1) is.
    fn index(&self, which: u64) -> Gpa {
        Gpa(self.page.0 + to_u64(self.place.indices) + 4 * which)
    }
}

/// The length of a piece, which is short.
fn narrow(length: usize) -> u32 {
    u32::try_from(length).expect("a piece is no longer than a chunk")
}
