//! The ring in the page that both ends share, seen from the back end (`xen/io/ring.h`).
//!
//! Indices run freely. The page is the guest's, so the back end keeps its own indices and reads each
//! of the guest's once. A request is answered before the next one is taken, so the response goes
//! where the request was, and one index says how many were taken and answered.

use crate::address::{Gpa, to_u64};
use crate::guest_memory::GuestMemory;
use core::fmt;
use core::mem::offset_of;
use xenolith_abi::block::{RING_SIZE, Request, Response, SharedRing};
use zerocopy::{FromZeros, IntoBytes, transmute};

/// The word of `req_prod` and, in the upper half, `req_event`.
const REQUESTS: u64 = to_u64(offset_of!(SharedRing, req_prod));
/// The word of `rsp_prod` and, in the upper half, `rsp_event`.
const RESPONSES: u64 = to_u64(offset_of!(SharedRing, rsp_prod));
const ENTRIES: u64 = to_u64(offset_of!(SharedRing, ring));
const ENTRY_BYTES: u64 = to_u64(size_of::<Request>());
const _: () = assert!(offset_of!(SharedRing, req_event) == offset_of!(SharedRing, req_prod) + 4);
const _: () = assert!(offset_of!(SharedRing, rsp_event) == offset_of!(SharedRing, rsp_prod) + 4);
const _: () = assert!(size_of::<Response>() <= size_of::<Request>());

/// Why a ring cannot be served.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Broken {
    /// The guest has no memory there, or must not write it.
    NoMemory,
    /// What the guest says cannot be true: there are more requests than entries.
    WrongIndex {
        /// Requests that were answered.
        answered: u32,
        /// Requests that were made.
        produced: u32,
    },
}

impl fmt::Display for Broken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NoMemory => write!(formatter, "the ring's page is no memory that can be written"),
            Self::WrongIndex { answered, produced } => write!(
                formatter,
                "more requests than the ring holds (req_prod {produced:#x}, answered {answered:#x})"
            ),
        }
    }
}

/// The back end's view of the ring.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Ring {
    page: Gpa,
    /// Requests that were taken and answered.
    answered: u32,
    /// As many of these as the guest has been told of.
    published: u32,
}

impl Ring {
    /// Attaches to the ring in `page`, where its front end says that it begins.
    ///
    /// # Errors
    ///
    /// When its indices cannot be true, or there is no memory.
    pub(super) fn attach<M: GuestMemory>(memory: &mut M, page: Gpa) -> Result<Self, Broken> {
        let (answered, _) = word(memory.fetch_or(Gpa(page.0 + RESPONSES), 0))?;
        let ring = Self { page, answered, published: answered };
        let (produced, _) = word(memory.fetch_or(Gpa(page.0 + REQUESTS), 0))?;
        ring.count(produced).map(|_| ring)
    }

    /// Returns a copy of the next request, if there is one.
    ///
    /// # Errors
    ///
    /// When the index cannot be true, or there is no memory.
    pub(super) fn next<M: GuestMemory>(&self, memory: &M) -> Result<Option<Request>, Broken> {
        let (produced, _) = word(memory.read_word(Gpa(self.page.0 + REQUESTS)))?;
        if self.count(produced)? == 0 {
            return Ok(None);
        }
        let mut request = Request::new_zeroed();
        let is_there = memory.read(self.entry(), request.as_mut_bytes());
        if is_there { Ok(Some(request)) } else { Err(Broken::NoMemory) }
    }

    /// Answers the request that was taken.
    ///
    /// # Errors
    ///
    /// When there is no memory.
    pub(super) fn respond<M: GuestMemory>(
        &mut self,
        memory: &mut M,
        response: &Response,
    ) -> Result<(), Broken> {
        if !memory.write(self.entry(), response.as_bytes()) {
            return Err(Broken::NoMemory);
        }
        self.answered = self.answered.wrapping_add(1);
        Ok(())
    }

    /// Tells the guest of the responses. Returns whether it wants an event for them.
    ///
    /// # Errors
    ///
    /// When there is no memory.
    pub(super) fn publish<M: GuestMemory>(&mut self, memory: &mut M) -> Result<bool, Broken> {
        if self.published == self.answered {
            return Ok(false);
        }
        let at = Gpa(self.page.0 + RESPONSES);
        if !memory.store_u32(at, self.answered) {
            return Err(Broken::NoMemory);
        }
        // Read behind the store: a guest that sleeps meanwhile has set it, or sees the responses.
        let (_, event) = word(memory.fetch_or(at, 0))?;
        let new = self.answered.wrapping_sub(self.published);
        let is_wanted = self.answered.wrapping_sub(event) < new;
        self.published = self.answered;
        Ok(is_wanted)
    }

    /// Asks for an event with the next request. Returns whether there is one already.
    ///
    /// # Errors
    ///
    /// When the index cannot be true, or there is no memory.
    pub(super) fn wait<M: GuestMemory>(&self, memory: &mut M) -> Result<bool, Broken> {
        let at = Gpa(self.page.0 + REQUESTS);
        if !memory.store_u32(Gpa(at.0 + 4), self.answered.wrapping_add(1)) {
            return Err(Broken::NoMemory);
        }
        // Read behind the store: a guest that makes a request meanwhile sees it, or is seen.
        let (produced, _) = word(memory.fetch_or(at, 0))?;
        self.count(produced).map(|count| count != 0)
    }

    /// Returns how many requests there are if the guest has made `produced`.
    fn count(&self, produced: u32) -> Result<u32, Broken> {
        let count = produced.wrapping_sub(self.answered);
        let wrong = Broken::WrongIndex { answered: self.answered, produced };
        if count <= RING_SIZE { Ok(count) } else { Err(wrong) }
    }

    /// Returns where the next request is.
    fn entry(&self) -> Gpa {
        let index = u64::from(self.answered % RING_SIZE);
        Gpa(self.page.0 + ENTRIES + index * ENTRY_BYTES)
    }
}

/// The lower and the upper half of a word.
fn word(word: Option<u64>) -> Result<(u32, u32), Broken> {
    let [low, high]: [[u8; 4]; 2] = transmute!(word.ok_or(Broken::NoMemory)?.to_le_bytes());
    Ok((u32::from_le_bytes(low), u32::from_le_bytes(high)))
}
