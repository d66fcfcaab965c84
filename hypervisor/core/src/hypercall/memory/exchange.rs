//! `exchange`: extents given for as many pages in extents of another size. A chunk of the larger size
//! is exchanged as a whole or not at all; how far it came is in the argument.

use super::super::{Args, Call, Machine, Outcome, handle};
use super::frames::{Progress, reserve, scrub, set_pfn, unmap};
use super::is_caller;
use crate::address::{Gfn, Gva, to_u64};
use crate::frame_set::MAX_ORDER;
use crate::guest_access::is_reachable;
use arrayvec::ArrayVec;
use core::mem::offset_of;
use xenolith_abi::errno::{EFAULT, EINVAL, ENOMEM, EPERM, ESRCH};
use xenolith_abi::memory::{Exchange, MEMF_EXACT_NODE_REQUEST};

/// Extents of a chunk, at most.
const MAX_EXTENTS: usize = 1 << MAX_ORDER;
type List = ArrayVec<Gfn, MAX_EXTENTS>;

const NR_EXCHANGED: u64 = to_u64(offset_of!(Exchange, nr_exchanged));

pub(super) fn exchange<M: Machine>(call: &mut Call<'_, M>, args: &Args) -> Outcome {
    let at = handle(args[1]);
    let mut wanted: Exchange = match call.space().read(at) {
        Ok(wanted) => wanted,
        Err(fault) => return fault.into(),
    };
    let result = match check(call, &wanted) {
        Ok(()) => chunks(call, &mut wanted),
        Err(error) => Err(error),
    };
    let place = Gva(at.0.wrapping_add(NR_EXCHANGED));
    if call.space().write(place, &wanted.nr_exchanged).is_err() {
        return Outcome::Return(-EFAULT);
    }
    match result {
        Ok(Progress::Done) => Outcome::Return(0),
        Ok(Progress::Cut) => Outcome::Continue(*args),
        Err(error) => Outcome::Return(-error),
    }
}

/// Extents on one side, at most: more than any domain has, and few enough to compute with.
const MOST_LISTED: u64 = 1 << 32;

fn check<M: Machine>(call: &Call<'_, M>, wanted: &Exchange) -> Result<(), i64> {
    let Exchange { input, output, nr_exchanged } = wanted;
    if input.extent_order.max(output.extent_order) > MAX_ORDER {
        return Err(EPERM);
    }
    let fits = |order: u32, extents: u64| u64::MAX >> order >= extents;
    let sizes = fits(input.extent_order, input.nr_extents)
        && fits(output.extent_order, output.nr_extents)
        && input.nr_extents << input.extent_order == output.nr_extents << output.extent_order;
    let listed = input.nr_extents.max(output.nr_extents) <= MOST_LISTED;
    if *nr_exchanged > input.nr_extents || input.domid != output.domid || !sizes || !listed {
        return Err(EINVAL);
    }
    if [input, output].into_iter().any(|side| !is_reachable(handle(side.extent_start))) {
        return Err(EFAULT);
    }
    if output.mem_flags >> 8 & 0xff != 0 && output.mem_flags & MEMF_EXACT_NODE_REQUEST != 0 {
        return Err(EINVAL);
    }
    if is_caller(call, input.domid) { Ok(()) } else { Err(ESRCH) }
}

/// Exchanges chunk by chunk, and counts.
fn chunks<M: Machine>(call: &mut Call<'_, M>, wanted: &mut Exchange) -> Result<Progress, i64> {
    let input_order = wanted.output.extent_order.saturating_sub(wanted.input.extent_order);
    let first = wanted.nr_exchanged >> input_order;
    for number in first..wanted.input.nr_extents >> input_order {
        if number != first && call.machine.preempt() {
            return Ok(Progress::Cut);
        }
        if scrub(call) == Progress::Cut {
            return Ok(Progress::Cut);
        }
        wanted.nr_exchanged = number << input_order;
        chunk(call, wanted, number)?;
        wanted.nr_exchanged = (number + 1) << input_order;
    }
    wanted.nr_exchanged = wanted.input.nr_extents;
    Ok(scrub(call))
}

/// Exchanges chunk `number`. New frames are found before old ones are free, so they are others.
fn chunk<M: Machine>(call: &mut Call<'_, M>, wanted: &Exchange, number: u64) -> Result<(), i64> {
    let (input, output) = (&wanted.input, &wanted.output);
    let larger = input.extent_order.max(output.extent_order);
    let mut given = List::new();
    for j in 0..1 << (larger - input.extent_order) {
        let slot = (number << (larger - input.extent_order)) + j;
        let at = Gva(input.extent_start.wrapping_add(slot * 8));
        let gfn = Gfn(call.space().read(at).map_err(|_| EFAULT)?);
        // Before anything is taken: what is taken is the guest's from then on.
        let pages = 1 << input.extent_order;
        if call.machine.frames().owned_from(gfn, pages) != pages {
            return Err(EINVAL);
        }
        given.push(gfn);
    }
    let got = take(call, output.extent_order, larger)?;
    if let Err(error) = give(call, &given, input.extent_order) {
        got.iter().for_each(|gfn| call.machine.frames().give(*gfn, 1 << output.extent_order));
        return Err(error);
    }
    given.iter().for_each(|gfn| unmap(call, *gfn, 1 << input.extent_order));
    let mut result = Ok(());
    let first = number << (larger - output.extent_order);
    for (slot, gfn) in (first..).zip(got) {
        call.machine.map_frames(gfn, 1 << output.extent_order);
        let at = Gva(output.extent_start.wrapping_add(slot * 8));
        let Ok(pfn) = call.space().read(at) else {
            result = Err(EFAULT);
            continue;
        };
        set_pfn(call, gfn, output.extent_order, pfn);
        if call.space().write(at, &gfn.0).is_err() {
            result = Err(EFAULT);
        }
    }
    result
}

/// Takes free extents for the guest, 2^`all` frames together, or none.
fn take<M: Machine>(call: &mut Call<'_, M>, order: u32, all: u32) -> Result<List, i64> {
    let mut got = List::new();
    for _ in 0..1 << (all - order) {
        let Some(gfn) = reserve(call, order, u64::MAX) else {
            got.iter().for_each(|gfn| call.machine.frames().give(*gfn, 1 << order));
            return Err(ENOMEM);
        };
        got.push(gfn);
    }
    Ok(got)
}

/// Takes the extents of `list`, which the guest has, from it, all or none: what is in the list twice
/// is refused.
fn give<M: Machine>(call: &mut Call<'_, M>, list: &List, order: u32) -> Result<(), i64> {
    let count = 1 << order;
    for (done, gfn) in list.iter().enumerate() {
        let frames = call.machine.frames();
        if frames.owned_from(*gfn, count) != count {
            list[..done].iter().for_each(|gfn| frames.take(*gfn, count));
            return Err(EINVAL);
        }
        frames.give(*gfn, count);
    }
    Ok(())
}
