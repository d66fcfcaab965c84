//! Frames on their way out of a domain's memory and back.
//!
//! ```text
//! mapped, the guest's  --release-->  free, dirty  --scrub-->  free  --claim-->  mapped, zeros
//! ```
//! No frame gets past a step: it is unmapped before it is free, and zeroed before it is found.

use super::super::{Call, Machine};
use crate::address::{Gfn, to_u64, to_usize};
use zerocopy::IntoBytes;

/// Entries of the machine-to-physical table that are written at a time.
const M2P_ENTRIES: usize = 64;
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
    unmap(call, start, count);
}

/// Completes what [`FrameSet::give`](crate::frame_set::FrameSet::give) began.
pub(super) fn unmap<M: Machine>(call: &mut Call<'_, M>, start: Gfn, count: u64) {
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
    let mut done = 0;
    while done < count {
        let gfn = Gfn(start.0 + done);
        // Within a page of the table.
        let room = to_u64(M2P_ENTRIES) - gfn.0 % to_u64(M2P_ENTRIES);
        let entries = to_usize(room.min(count - done));
        let mut words = [0; M2P_ENTRIES];
        for (offset, word) in (done..).zip(&mut words[..entries]) {
            *word = value(offset);
        }
        if let Some(at) = call.domain.hole.m2p_entry(gfn) {
            call.machine.publish(at, words[..entries].as_bytes());
        }
        done += to_u64(entries);
    }
}
