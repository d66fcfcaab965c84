//! `exchange`: extents given for as many pages in extents of another size. A chunk of the larger size
//! is exchanged as a whole or not at all; how many there were is in the argument.
//!
//! A chunk of many extents takes long, so a call may be cut inside it too. How far the chunk has come
//! is then above the sub-operation, where other calls count extents; 0 is its beginning. A guest that
//! makes it up gets none but frames that it has.

mod gather;
mod scatter;

use super::super::{Args, Call, Machine, Outcome, handle};
use super::frames::{Progress, release, scrub, set_pfn};
use super::{COMMAND_BITS, is_caller};
use crate::address::{Gfn, Gva, to_u64};
use crate::frame_set::MAX_ORDER;
use crate::guest_access::is_reachable;
use core::mem::offset_of;
use xenolith_abi::errno::{EFAULT, EINVAL, EPERM, ESRCH};
use xenolith_abi::memory::{self, Exchange, MEMF_EXACT_NODE_REQUEST, Reservation};

const NR_EXCHANGED: u64 = to_u64(offset_of!(Exchange, nr_exchanged));

pub(super) fn exchange<M: Machine>(call: &mut Call<'_, M>, args: &Args) -> Outcome {
    let at = handle(args[1]);
    let mut wanted: Exchange = match call.space().read(at) {
        Ok(wanted) => wanted,
        Err(fault) => return fault.into(),
    };
    let mut within = args[0] >> COMMAND_BITS;
    let result = check(call, &wanted).and_then(|()| chunks(call, &mut wanted, &mut within));
    let place = Gva(at.0.wrapping_add(NR_EXCHANGED));
    if call.space().write(place, &wanted.nr_exchanged).is_err() {
        return Outcome::Return(-EFAULT);
    }
    match result {
        Ok(Progress::Done) => Outcome::Return(0),
        Ok(Progress::Cut) => {
            let command = u64::from(memory::EXCHANGE) | within << COMMAND_BITS;
            let [_, rest @ ..] = *args;
            Outcome::Continue([command, rest[0], rest[1], rest[2], rest[3]])
        }
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

/// Exchanges chunk by chunk, and counts. `within` is how far the chunk has come.
fn chunks<M: Machine>(
    call: &mut Call<'_, M>,
    wanted: &mut Exchange,
    within: &mut u64,
) -> Result<Progress, i64> {
    let (from, to) = (wanted.input.extent_order, wanted.output.extent_order);
    // A count that no cut call has left begins with its chunk.
    let begin = |wanted: &mut Exchange| wanted.nr_exchanged &= u64::MAX << to.saturating_sub(from);
    if *within == 0 {
        begin(wanted);
    }
    loop {
        if scrub(call) == Progress::Cut {
            return Ok(Progress::Cut);
        }
        if wanted.nr_exchanged >= wanted.input.nr_extents {
            return Ok(Progress::Done);
        }
        let step = if to > from { gather::step } else { scatter::step };
        if let Err(error) = step(call, wanted, within) {
            begin(wanted);
            return Err(error);
        }
        if call.machine.preempt() {
            return Ok(Progress::Cut);
        }
    }
}

/// Returns entry `number` of a list of extents.
fn listed<M: Machine>(call: &mut Call<'_, M>, side: &Reservation, number: u64) -> Result<Gfn, i64> {
    let at = Gva(side.extent_start.wrapping_add(number * 8));
    call.space().read(at).map(Gfn).map_err(|_| EFAULT)
}

/// Maps an extent that has been reserved, as entry `number` of the list says, and tells it there.
/// If that cannot be it is free again.
fn hand_over<M: Machine>(
    call: &mut Call<'_, M>,
    gfn: Gfn,
    side: &Reservation,
    number: u64,
) -> Result<(), i64> {
    let order = side.extent_order;
    let pfn = listed(call, side, number);
    call.machine.map_frames(gfn, 1 << order);
    set_pfn(call, gfn, order, pfn.map_or(u64::MAX, |pfn| pfn.0));
    let at = Gva(side.extent_start.wrapping_add(number * 8));
    if pfn.is_err() || call.space().write(at, &gfn.0).is_err() {
        release(call, gfn, 1 << order);
        return Err(EFAULT);
    }
    Ok(())
}

fn owns<M: Machine>(call: &mut Call<'_, M>, gfn: Gfn, order: u32) -> bool {
    call.machine.frames().owned_from(gfn, 1 << order) == 1 << order
}
