//! Frames on their way out of a domain's memory and back.
//!
//! ```text
//! mapped, the guest's  --release-->  free, dirty  --scrub-->  free  --claim-->  mapped, zeros
//! ```
//! No frame gets past a step: it is unmapped before it is free, and zeroed before it is found.

use super::super::{Call, Machine};
use crate::address::Gfn;

/// What the table says of frames that the guest does not have.
const INVALID: u64 = u64::MAX;

/// Whether work came to its end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub(super) enum Progress {
    Done,
    /// The call had better be cut.
    Cut,
}

/// Zeroes what has been given back, a frame at a time.
pub(super) fn scrub<M: Machine>(call: &mut Call<'_, M>) -> Progress {
    while let Some(gfn) = call.machine.frames().dirty() {
        call.machine.scrub(gfn);
        call.machine.frames().clean(gfn);
        if call.machine.preempt() {
            return Progress::Cut;
        }
    }
    Progress::Done
}

/// Takes `count` frames, which it has, from the guest.
pub(super) fn release<M: Machine>(call: &mut Call<'_, M>, start: Gfn, count: u64) {
    if count == 0 {
        return;
    }
    call.machine.frames().give(start, count);
    call.machine.unmap_frames(start, count);
    call.machine.frames().soil(start, count);
    set_m2p(call, start, count, |_| INVALID);
}

/// Gives the guest the lowest free extent, below frame `limit`. What is free must be clean.
pub(super) fn claim<M: Machine>(call: &mut Call<'_, M>, order: u32, limit: u64) -> Option<Gfn> {
    let start = reserve(call, order, limit)?;
    call.machine.map_frames(start, 1 << order);
    Some(start)
}

/// As [`claim`], but does not map it yet.
pub(super) fn reserve<M: Machine>(call: &mut Call<'_, M>, order: u32, limit: u64) -> Option<Gfn> {
    let frames = call.machine.frames();
    let start = frames.find(order).filter(|start| start.0 + (1 << order) <= limit)?;
    frames.take(start, 1 << order);
    Some(start)
}

/// Says that frame `start` + n is the guest's frame `pfn` + n.
pub(super) fn set_pfn<M: Machine>(call: &mut Call<'_, M>, start: Gfn, order: u32, pfn: u64) {
    set_m2p(call, start, 1 << order, |offset| pfn.wrapping_add(offset));
}

fn set_m2p<M: Machine>(call: &mut Call<'_, M>, start: Gfn, count: u64, value: impl Fn(u64) -> u64) {
    if let Some(at) = call.domain.hole.m2p_entry(start) {
        call.machine.publish_words(at, count, value);
    }
}
