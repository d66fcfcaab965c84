//! What a request says, checked as far as that goes without its pages.

use super::medium::Medium;
use super::mistake::Mistake;
use super::{MAX_SEGMENTS, SECTORS_IN_PAGE};
use crate::grant_table::Access;
use xenolith_abi::block::{
    MAX_SEGMENTS_PER_REQUEST, OP_FLUSH_DISKCACHE, OP_INDIRECT, OP_READ, OP_WRITE, Request,
    RequestIndirect, Segment,
};
use zerocopy::{FromBytes, IntoBytes};

/// What is to be done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Order {
    /// What the pages are used for: a disk that is written is read from them.
    pub(super) pages: Access,
    /// First sector on the disk.
    pub(super) sector: u64,
    /// How many segments there are.
    pub(super) count: usize,
    /// Whether what was written is to be made last.
    pub(super) flush: bool,
    /// Where the segments are.
    pub(super) segments: Segments,
}

/// Where segments are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Segments {
    /// In the request.
    Direct([Segment; MAX_SEGMENTS_PER_REQUEST]),
    /// In pages with these grants.
    Indirect([u32; xenolith_abi::block::MAX_INDIRECT_PAGES_PER_REQUEST]),
}

/// Returns the operation that the response to `request` names: of an indirect request the one that
/// is done, as Linux's back end answers and its front end requires.
pub(super) fn answered_as(request: &Request) -> u8 {
    match request.operation {
        OP_INDIRECT => indirect(request).indirect_op,
        operation => operation,
    }
}

/// Reads a request.
///
/// # Errors
///
/// When it makes no sense.
pub(super) fn read(request: &Request) -> Result<Order, Mistake> {
    if request.operation == OP_INDIRECT {
        return read_indirect(&indirect(request));
    }
    let pages = match request.operation {
        OP_READ => Access::Write,
        OP_WRITE | OP_FLUSH_DISKCACHE => Access::Read,
        _ => return Err(Mistake::Operation),
    };
    let flush = request.operation == OP_FLUSH_DISKCACHE;
    let count = usize::from(request.nr_segments);
    // A flush may have segments, which are written first.
    if !(flush && count == 0) {
        check_count(count, MAX_SEGMENTS_PER_REQUEST)?;
    }
    let segments = Segments::Direct(request.seg);
    Ok(Order { pages, sector: request.sector_number, count, flush, segments })
}

fn read_indirect(request: &RequestIndirect) -> Result<Order, Mistake> {
    let pages = match request.indirect_op {
        OP_READ => Access::Write,
        OP_WRITE => Access::Read,
        operation => return Err(Mistake::IndirectOperation { operation }),
    };
    let count = usize::from(request.nr_segments);
    check_count(count, MAX_SEGMENTS)?;
    let segments = Segments::Indirect(request.indirect_grefs);
    Ok(Order { pages, sector: request.sector_number, count, flush: false, segments })
}

fn check_count(count: usize, most: usize) -> Result<(), Mistake> {
    if (1..=most).contains(&count) { Ok(()) } else { Err(Mistake::Segments { count, most }) }
}

/// Checks that all of `segments` are parts of pages, and that `medium` has the sectors and may be
/// used so.
///
/// # Errors
///
/// When not.
pub(super) fn check<D: Medium>(
    order: &Order,
    segments: &[Segment],
    medium: &D,
) -> Result<(), Mistake> {
    if order.pages == Access::Read && medium.is_read_only() && order.count != 0 {
        return Err(Mistake::ReadOnly);
    }
    let mut count = 0;
    for segment in segments {
        let Segment { first_sect: first, last_sect: last, .. } = *segment;
        if first > last || last >= SECTORS_IN_PAGE {
            return Err(Mistake::Part { first, last });
        }
        count += sectors(*segment);
    }
    let (first, sectors) = (order.sector, medium.sectors());
    match first.checked_add(count) {
        Some(end) if end <= sectors || count == 0 => Ok(()),
        _ => Err(Mistake::Range { first, count, sectors }),
    }
}

/// Returns how many sectors a segment that was checked has.
pub(super) fn sectors(segment: Segment) -> u64 {
    u64::from(segment.last_sect - segment.first_sect) + 1
}

/// Returns the same bytes as an indirect request, which is shorter.
fn indirect(request: &Request) -> RequestIndirect {
    let (indirect, _) = RequestIndirect::read_from_prefix(request.as_bytes())
        .expect("no request is longer than a direct one");
    indirect
}
const _: () = assert!(size_of::<RequestIndirect>() <= size_of::<Request>());
