//! A domain's connection to the store: the page with its two rings.
//!
//! Requests are taken byte by byte as they come, since some guests write a header and its payload
//! apart and tell of the first only. One request is served at a time, when its predecessor's reply
//! and all that its changes made to be told are in the other ring; so a guest that does not read
//! stops its own requests, and nothing grows.

use super::message::{Reply, Request};
use super::watch::Watches;
use crate::address::{DomId, Gpa, to_u64};
use crate::byte_ring::{ByteRing, NoRing, Place};
use crate::guest_memory::GuestMemory;
use core::fmt;
use core::mem::offset_of;
use xenolith_abi::xenstore::{self as abi, DomainInterface, PAYLOAD_MAX};
use zerocopy::FromZeros;

const REQUESTS: Place = Place {
    bytes: offset_of!(DomainInterface, req),
    size: 1024,
    indices: offset_of!(DomainInterface, req_cons),
};
const REPLIES: Place = Place {
    bytes: offset_of!(DomainInterface, rsp),
    size: 1024,
    indices: offset_of!(DomainInterface, rsp_cons),
};
const _: () = assert!(abi::RING_SIZE == 1024);
const _: () = assert!(REQUESTS.indices + 4 == offset_of!(DomainInterface, req_prod));
const _: () = assert!(REPLIES.indices + 4 == offset_of!(DomainInterface, rsp_prod));
/// The word of [`DomainInterface::server_features`] and [`DomainInterface::connection`].
const STATE: usize = offset_of!(DomainInterface, server_features);
const _: () =
    assert!(STATE + 4 == offset_of!(DomainInterface, connection) && STATE.is_multiple_of(8));

/// What the store says that it can.
const FEATURES: u32 = abi::SERVER_FEATURE_RECONNECTION | abi::SERVER_FEATURE_ERROR;

/// Why a connection is closed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Closed {
    /// The indices of the ring of requests cannot be true.
    Requests(NoRing),
    /// The indices of the ring of replies cannot be true.
    Replies(NoRing),
    /// A request has more payload than there may be.
    TooLong {
        /// What it says that it has.
        bytes: u32,
    },
}

impl Closed {
    const fn error(self) -> u32 {
        match self {
            Self::Requests(NoRing::NoMemory) | Self::Replies(NoRing::NoMemory) => abi::ERROR_COMM,
            Self::Requests(NoRing::WrongIndex { .. })
            | Self::Replies(NoRing::WrongIndex { .. }) => abi::ERROR_RINGIDX,
            Self::TooLong { .. } => abi::ERROR_PROTO,
        }
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ring, what, why) = match *self {
            Self::TooLong { bytes } => {
                return write!(
                    formatter,
                    "a request of {bytes} bytes; {PAYLOAD_MAX} is the most there may be"
                );
            }
            Self::Requests(why) => ("req", "requests", why),
            Self::Replies(why) => ("rsp", "replies", why),
        };
        match why {
            NoRing::NoMemory => write!(formatter, "there is no memory at its page"),
            NoRing::WrongIndex { consumer, producer } => write!(
                formatter,
                "more {what} than the ring holds ({ring}_cons {consumer:#x}, {ring}_prod {producer:#x})"
            ),
        }
    }
}

/// What the store knows of a domain.
#[derive(Debug, FromZeros)]
pub(super) struct Connection {
    /// The domain; 0 is none.
    domain: u16,
    page: u64,
    is_closed: bool,
    pub(super) request: Request,
    pub(super) reply: Reply,
    pub(super) watches: Watches,
}

/// How far a transfer has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Transfer {
    /// Nothing is left.
    Complete,
    /// The guest has to do something first.
    Waits,
}

impl Connection {
    /// Returns the domain; 0 is none.
    pub(super) const fn domain(&self) -> DomId {
        DomId(self.domain)
    }

    /// Gives it to a domain that has `page` for it.
    pub(super) fn open<M: GuestMemory>(&mut self, memory: &mut M, domain: DomId, page: Gpa) {
        (self.domain, self.page) = (domain.0, page.0);
        self.reset();
        memory.store_u32(self.at(STATE), FEATURES);
    }

    /// Returns whether the domain may use it.
    pub(super) const fn is_open(&self) -> bool {
        !self.is_closed
    }

    /// Forgets all that the domain has begun.
    pub(super) fn reset(&mut self) {
        self.is_closed = false;
        self.request.clear();
        self.reply.clear();
        self.watches.clear();
    }

    /// Does not look at the rings any more, and tells the domain why.
    pub(super) fn close<M: GuestMemory>(&mut self, memory: &mut M, why: Closed) {
        self.reset();
        self.is_closed = true;
        memory.store_u32(self.at(offset_of!(DomainInterface, error)), why.error());
    }

    /// Begins anew, with empty rings, if the domain asks for it. Returns whether it did.
    #[doc(alias = "XENSTORE_RECONNECT")]
    pub(super) fn reconnect<M: GuestMemory>(&mut self, memory: &mut M) -> bool {
        let state = memory.read_word(self.at(STATE)).unwrap_or(0);
        if state >> 32 != u64::from(abi::RECONNECT) {
            return false;
        }
        self.reset();
        memory.write(self.at(REQUESTS.indices), &[0; 16]);
        memory.store_u32(self.at(offset_of!(DomainInterface, error)), abi::ERROR_NONE);
        memory.store_u32(self.at(offset_of!(DomainInterface, connection)), abi::CONNECTED)
    }

    /// Sends what is left of a message; `moved` is set if any of it has been sent.
    ///
    /// # Errors
    ///
    /// When there is no ring.
    pub(super) fn send<M: GuestMemory>(
        &mut self,
        memory: &mut M,
        moved: &mut bool,
    ) -> Result<Transfer, Closed> {
        if self.reply.unsent().is_empty() {
            return Ok(Transfer::Complete);
        }
        let mut ring = ByteRing::read(memory, Gpa(self.page), REPLIES).map_err(Closed::Replies)?;
        loop {
            match ring.append(memory, self.reply.unsent()) {
                0 => break,
                count => self.reply.send(count),
            }
            *moved = true;
        }
        ring.store_producer(memory);
        let is_sent = self.reply.unsent().is_empty();
        Ok(if is_sent { Transfer::Complete } else { Transfer::Waits })
    }

    /// Takes what there is of a request; `moved` is set if there was any.
    ///
    /// # Errors
    ///
    /// When there is no ring, or the request is too long.
    pub(super) fn receive<M: GuestMemory>(
        &mut self,
        memory: &mut M,
        moved: &mut bool,
    ) -> Result<Transfer, Closed> {
        let mut ring =
            ByteRing::read(memory, Gpa(self.page), REQUESTS).map_err(Closed::Requests)?;
        let mut result = Ok(Transfer::Waits);
        loop {
            let Some(missing) = self.request.missing() else {
                let bytes = self.request.header().map_or(0, |header| header.len);
                result = Err(Closed::TooLong { bytes });
                break;
            };
            if missing.is_empty() {
                result = Ok(Transfer::Complete);
                break;
            }
            match ring.peek(memory, missing) {
                0 => break,
                count => {
                    ring.consume(count);
                    self.request.receive(count);
                }
            }
            *moved = true;
        }
        if *moved {
            ring.store_consumer(memory);
        }
        result
    }

    fn at(&self, offset: usize) -> Gpa {
        Gpa(self.page + to_u64(offset))
    }
}
