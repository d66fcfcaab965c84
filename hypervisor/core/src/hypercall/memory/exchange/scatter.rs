//! A chunk that is one extent, given for others of its size or smaller.
//!
//! The guest gets them one by one, and how many is how far the chunk has come. Then its own is taken:
//! what it gets for it are other frames.

use super::super::super::{Call, Machine};
use super::super::frames::{release, reserve};
use super::{hand_over, listed, owns};
use xenolith_abi::errno::{EINVAL, ENOMEM};
use xenolith_abi::memory::Exchange;

pub(super) fn step<M: Machine>(
    call: &mut Call<'_, M>,
    wanted: &mut Exchange,
    within: &mut u64,
) -> Result<(), i64> {
    let (from, to) = (wanted.input.extent_order, wanted.output.extent_order);
    let parts = 1 << (from - to);
    // Looked at each time: the guest may have run since.
    let gfn = listed(call, &wanted.input, wanted.nr_exchanged)?;
    if !owns(call, gfn, from) || *within >= parts {
        return Err(EINVAL);
    }
    if *within == 0 && call.machine.frames().count(to) < parts {
        return Err(ENOMEM);
    }
    let number = (wanted.nr_exchanged << (from - to)) + *within;
    let part = reserve(call, to, u64::MAX).ok_or(ENOMEM)?;
    hand_over(call, part, &wanted.output, number)?;
    *within += 1;
    if *within == parts {
        release(call, gfn, 1 << from);
        wanted.nr_exchanged += 1;
        *within = 0;
    }
    Ok(())
}
