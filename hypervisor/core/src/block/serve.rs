//! Requests served: taken, their segments moved some at a time, answered.

use super::granted::Granted;
use super::mistake::Mistake;
use super::request::{self, Order, Segments};
use super::ring::Broken;
use super::{BlockDevice, Buffers, Medium, SECTOR_BYTES, Surroundings};
use crate::address::{Gpa, PAGE_SIZE, to_u64, to_usize};
use crate::event_channel::Service;
use crate::grant_table::Access;
use crate::guest_memory::GuestMemory;
use core::fmt;
use core::ops::DerefMut;
use xenolith_abi::block::{RSP_OKAY, Request, Response, Segment};
use zerocopy::{FromZeros, IntoBytes};

/// Steps that are made in one go: a segment moved, which is a page at most, or a request answered.
const STEPS_AT_ONCE: u32 = 32;
/// Segments in a page of an indirect request.
const SEGMENTS_IN_PAGE: usize = to_usize(PAGE_SIZE) / size_of::<Segment>();

/// What has been done for a front end.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Served {
    /// There is more to do at once.
    pub unfinished: bool,
    /// The connection has been given up just now; the store says so.
    pub failed: bool,
}

/// A request that is being served.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Job {
    id: u64,
    operation: u8,
    status: i16,
    pages: Access,
    flush: bool,
    /// The next sector on the disk.
    sector: u64,
    /// The next segment, and the one behind the last.
    next: usize,
    end: usize,
}

impl<B: DerefMut<Target = Buffers>> BlockDevice<B> {
    /// Serves what the front end has asked for, some of it at a time.
    pub fn serve<M: GuestMemory, D: Medium>(
        &mut self,
        around: &mut Surroundings<'_, M, D>,
    ) -> Served {
        match self.work(around) {
            Ok(unfinished) => Served { unfinished, failed: false },
            Err(broken) => {
                self.fail(around, format_args!("{broken}"));
                Served { unfinished: false, failed: true }
            }
        }
    }

    /// Serves some requests. Returns whether there is more to do at once.
    fn work<M: GuestMemory, D: Medium>(
        &mut self,
        around: &mut Surroundings<'_, M, D>,
    ) -> Result<bool, Broken> {
        let mut left = STEPS_AT_ONCE;
        loop {
            while left != 0 && self.take(around)? {
                self.step(around)?;
                left -= 1;
            }
            let Some(link) = &mut self.link else { return Ok(false) };
            if link.ring.publish(around.memory)? {
                // Who runs the vCPU looks for events before it goes on.
                let _ = around.channels.raise_service(around.memory, Service::Block);
            }
            if self.job.is_some() || !link.ring.wait(around.memory)? || left == 0 {
                return Ok(self.job.is_some() || link.ring.next(around.memory)?.is_some());
            }
        }
    }

    /// Takes the next request, unless one is being served. Returns whether there is one.
    fn take<M: GuestMemory, D: Medium>(
        &mut self,
        around: &mut Surroundings<'_, M, D>,
    ) -> Result<bool, Broken> {
        let Some(link) = &self.link else { return Ok(false) };
        if self.job.is_some() {
            return Ok(true);
        }
        let Some(request) = link.ring.next(around.memory)? else { return Ok(false) };
        let mut job = Job::new(&request);
        match self.prepare(around, &request) {
            Ok(order) => job.obey(&order),
            Err(mistake) => job.refuse(around.log, mistake),
        }
        self.job = Some(job);
        Ok(true)
    }

    /// Reads a request and its segments, and checks all but the grants of its data.
    fn prepare<M: GuestMemory, D: Medium>(
        &mut self,
        around: &mut Surroundings<'_, M, D>,
        request: &Request,
    ) -> Result<Order, Mistake> {
        let order = request::read(request)?;
        match order.segments {
            Segments::Direct(direct) => {
                self.buffers.segments[..order.count].copy_from_slice(&direct[..order.count]);
            }
            Segments::Indirect(references) => {
                let pages = self.buffers.segments[..order.count].chunks_mut(SEGMENTS_IN_PAGE);
                for (segments, reference) in pages.zip(references) {
                    let bytes = segments.as_mut_bytes();
                    with_page(around, reference, Access::Read, |memory, _, page| {
                        memory.read(page, bytes)
                    })?;
                }
            }
        }
        request::check(&order, &self.buffers.segments[..order.count], around.medium)?;
        Ok(order)
    }

    /// Moves a segment, if one is left, and answers if none is.
    fn step<M: GuestMemory, D: Medium>(
        &mut self,
        around: &mut Surroundings<'_, M, D>,
    ) -> Result<(), Broken> {
        let (Some(job), Some(link)) = (&mut self.job, &mut self.link) else { return Ok(()) };
        if job.next < job.end {
            let segment = self.buffers.segments[job.next];
            match transfer(around, segment, job.pages, job.sector, &mut self.buffers.page) {
                Ok(()) => {
                    job.next += 1;
                    job.sector += request::sectors(segment);
                }
                Err(mistake) => job.refuse(around.log, mistake),
            }
        }
        if job.next < job.end {
            return Ok(());
        }
        if job.flush && job.status == RSP_OKAY {
            around.medium.flush();
        }
        let response = job.response();
        self.job = None;
        link.ring.respond(around.memory, &response)
    }
}

impl Job {
    fn new(request: &Request) -> Self {
        Self {
            id: request.id,
            operation: request::answered_as(request),
            status: RSP_OKAY,
            pages: Access::Read,
            flush: false,
            sector: 0,
            next: 0,
            end: 0,
        }
    }

    const fn obey(&mut self, order: &Order) {
        (self.pages, self.flush) = (order.pages, order.flush);
        (self.sector, self.end) = (order.sector, order.count);
    }

    /// Gives the request up.
    fn refuse(&mut self, log: &mut dyn FnMut(fmt::Arguments<'_>), mistake: Mistake) {
        log(format_args!("request {:#x} (operation {}): {mistake}", self.id, self.operation));
        self.status = mistake.status();
        self.end = self.next;
    }

    fn response(&self) -> Response {
        let Self { id, operation, status, .. } = *self;
        Response { id, operation, status, ..Response::new_zeroed() }
    }
}

/// Moves a segment that was checked, by way of `page`.
fn transfer<M: GuestMemory, D: Medium>(
    around: &mut Surroundings<'_, M, D>,
    segment: Segment,
    access: Access,
    sector: u64,
    page: &mut [u8],
) -> Result<(), Mistake> {
    let offset = to_u64(usize::from(segment.first_sect) * SECTOR_BYTES);
    let bytes = &mut page[..to_usize(request::sectors(segment)) * SECTOR_BYTES];
    with_page(around, segment.reference, access, |memory, medium, page| {
        let at = Gpa(page.0 + offset);
        if access == Access::Write {
            medium.read(sector, bytes);
            return memory.write(at, bytes);
        }
        let is_memory = memory.read(at, bytes);
        if is_memory {
            medium.write(sector, bytes);
        }
        is_memory
    })
}

/// Uses the page of a grant for `action`, which returns whether there is memory.
fn with_page<M: GuestMemory, D: Medium>(
    around: &mut Surroundings<'_, M, D>,
    reference: u32,
    access: Access,
    action: impl FnOnce(&mut M, &mut D, Gpa) -> bool,
) -> Result<(), Mistake> {
    let granted = Granted::begin(around.memory, around.grants, reference, access)?;
    let is_memory = action(around.memory, around.medium, granted.page);
    granted.end(around.memory);
    if is_memory { Ok(()) } else { Err(Mistake::Frame { reference, frame: granted.frame }) }
}
