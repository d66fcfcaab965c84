//! The block device of a domain: the back end, which on Xen is domain 0's (`xen/io/blkif.h`).
//!
//! Both ends find out about each other in the store ([`connection`]); then the front end makes
//! requests in a ring that it grants ([`ring`]), whose data are in pages that it grants
//! ([`granted`]). Requests are served one after the other, some segments at a time.

mod connection;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzz;
mod granted;
mod medium;
mod mistake;
mod nodes;
mod request;
mod ring;
mod serve;
#[cfg(any(test, feature = "fuzzing"))]
mod test_front_end;
#[cfg(test)]
mod tests;

pub use medium::{Medium, SECTOR_BYTES};
pub use serve::Served;

use crate::address::{DomId, PAGE_SIZE, to_usize};
use crate::event_channel::EventChannels;
use crate::grant_table::GrantTable;
use crate::store::Store;
use core::fmt;
use granted::Granted;
use ring::Ring;
use serve::Job;
use xenolith_abi::block::Segment;
use xenolith_abi::xenbus;
use zerocopy::FromZeros;

/// The number by which front ends know the device: `xvda`, or Linux's major 202, minor 0.
pub const VIRTUAL_DEVICE: u32 = 202 << 8;
/// Segments of an indirect request, at most.
#[doc(alias = "feature-max-indirect-segments")]
pub const MAX_SEGMENTS: usize = 256;
/// Sectors of a page.
const SECTORS_IN_PAGE: u8 = 8;
const _: () = assert!(SECTORS_IN_PAGE as usize * SECTOR_BYTES == to_usize(PAGE_SIZE));

/// What is on its way through a device; too large for a stack. All zeros will do at the start.
#[derive(Debug, FromZeros)]
pub struct Buffers {
    /// The segments of the job.
    segments: [Segment; MAX_SEGMENTS],
    /// A page.
    page: [u8; to_usize(PAGE_SIZE)],
}

/// The block device of one domain, with its [`Buffers`].
#[derive(Debug)]
pub struct BlockDevice<B> {
    domain: DomId,
    /// Its state, one of `xenbus::STATE_*`.
    state: u32,
    /// Whether the store says so.
    is_told: bool,
    link: Option<Link>,
    job: Option<Job>,
    buffers: B,
}

/// What there is while it is connected.
#[derive(Debug)]
struct Link {
    ring: Ring,
    granted: Granted,
}

/// What the device works with.
pub struct Surroundings<'a, M, D> {
    /// The domain's memory.
    pub memory: &'a mut M,
    /// The domain's grants.
    pub grants: GrantTable,
    /// The domain's event channels; records that change are not published here.
    pub channels: &'a mut EventChannels,
    /// The store.
    pub store: &'a mut Store,
    /// The disk.
    pub medium: &'a mut D,
    /// Takes a line for the log: what the guest has done wrong.
    pub log: &'a mut dyn FnMut(fmt::Arguments<'_>),
}

impl<M, D> fmt::Debug for Surroundings<'_, M, D> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Surroundings").field("grants", &self.grants).finish_non_exhaustive()
    }
}

impl<B> BlockDevice<B> {
    /// Makes the device of `domain`. [`Self::introduce`] comes next.
    pub const fn new(domain: DomId, buffers: B) -> Self {
        let state = xenbus::STATE_INIT_WAIT;
        Self { domain, state, is_told: false, link: None, job: None, buffers }
    }
}
