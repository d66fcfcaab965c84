//! The ring of a domain's console page (`xen/public/io/console.h`), served as Xen's console daemon
//! does where Xen has one.
//!
//! Indices that cannot be true move nothing, until the guest puts them right.

use super::{ByteQueue, INPUT_BYTES};
use crate::address::Gpa;
use crate::byte_ring::{ByteRing, CHUNK_BYTES, Place};
use crate::guest_memory::GuestMemory;
use core::mem::offset_of;
use xenolith_abi::console::ConsoleInterface;

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
        let Ok(mut ring) = ByteRing::read(memory, self.page, OUTPUT) else { return false };
        let mut left = room;
        loop {
            let mut chunk = [0; CHUNK_BYTES];
            let len = ring.peek(memory, &mut chunk[..left.min(CHUNK_BYTES)]);
            if len == 0 {
                break;
            }
            sink(&chunk[..len]);
            ring.consume(len);
            left -= len;
        }
        self.has_output = ring.used() != 0;
        left != room && ring.store_consumer(memory)
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
        let Ok(mut ring) = ByteRing::read(memory, self.page, INPUT) else { return false };
        let mut is_told = false;
        while !input.is_empty() {
            let len = ring.append(memory, input.front());
            if len == 0 {
                break;
            }
            input.consume(len);
            is_told = true;
        }
        is_told && ring.store_producer(memory)
    }
}
