//! The page that the kernel and the store both write (`xen/public/io/xs_wire.h`).
//!
//! This is the one module that reaches it. Every byte and index is an atomic: the other side
//! changes it at any time.

use core::{
    mem::offset_of,
    ptr,
    sync::atomic::{
        AtomicU8, AtomicU32,
        Ordering::{Acquire, Relaxed, Release},
    },
};

use crate::{
    StartInfo,
    abi::xenstore::{CONNECTED, DomainInterface, RECONNECT, RING_SIZE},
    static_pages::PAGE_BYTES,
};

/// The page, as [`DomainInterface`] lays it out.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Page {
    requests: [AtomicU8; RING_SIZE],
    replies: [AtomicU8; RING_SIZE],
    req_cons: AtomicU32,
    req_prod: AtomicU32,
    rsp_cons: AtomicU32,
    rsp_prod: AtomicU32,
    server_features: AtomicU32,
    connection: AtomicU32,
    error: AtomicU32,
}
const _: () = assert!(size_of::<Page>() == size_of::<DomainInterface>());
const _: () = assert!(offset_of!(Page, replies) == offset_of!(DomainInterface, rsp));
const _: () = assert!(offset_of!(Page, req_cons) == offset_of!(DomainInterface, req_cons));
const _: () = assert!(offset_of!(Page, rsp_prod) == offset_of!(DomainInterface, rsp_prod));
const _: () = assert!(offset_of!(Page, connection) == offset_of!(DomainInterface, connection));
const _: () = assert!(offset_of!(Page, error) == offset_of!(DomainInterface, error));

impl Page {
    /// Returns the page of the boot contract, if there is a store.
    pub(super) fn of(start: &'static StartInfo) -> Option<&'static Self> {
        if start.raw().store_evtchn == 0 {
            return None;
        }
        let behind = ptr::from_ref(start).addr() + PAGE_BYTES;
        // SAFETY: the page behind start_info is the store's, in the boot mapping, which stays; the
        // structure lies at its beginning, and is made of atomics.
        Some(unsafe { &*ptr::with_exposed_provenance(behind) })
    }

    /// Appends as many bytes to the ring of requests as there is room for; returns how many. Where
    /// the ring is nonsense there is no room.
    pub(super) fn append(&self, bytes: &[u8]) -> usize {
        let (consumer, producer) = (self.req_cons.load(Acquire), self.req_prod.load(Relaxed));
        let used = producer.wrapping_sub(consumer) as usize;
        let count = bytes.len().min(RING_SIZE.saturating_sub(used));
        let mut at = producer;
        for byte in &bytes[..count] {
            self.requests[at as usize % RING_SIZE].store(*byte, Relaxed);
            at = at.wrapping_add(1);
        }
        self.req_prod.store(at, Release);
        count
    }

    /// Takes the next byte from the ring of replies, if there is one.
    pub(super) fn take(&self) -> Option<u8> {
        let (consumer, producer) = (self.rsp_cons.load(Relaxed), self.rsp_prod.load(Acquire));
        if consumer == producer {
            return None;
        }
        let byte = self.replies[consumer as usize % RING_SIZE].load(Relaxed);
        self.rsp_cons.store(consumer.wrapping_add(1), Release);
        Some(byte)
    }

    /// Returns whether the ring of replies has no room.
    pub(super) fn has_full_replies(&self) -> bool {
        let (consumer, producer) = (self.rsp_cons.load(Relaxed), self.rsp_prod.load(Acquire));
        producer.wrapping_sub(consumer) as usize >= RING_SIZE
    }

    /// Asks for a new connection.
    pub(super) fn ask_to_reconnect(&self) {
        self.connection.store(RECONNECT, Release);
    }

    /// Returns whether there is a connection.
    pub(super) fn is_connected(&self) -> bool {
        self.connection.load(Acquire) == CONNECTED && self.error.load(Relaxed) == 0
    }
}
