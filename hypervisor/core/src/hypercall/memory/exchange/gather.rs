//! A chunk of small extents, given for one large extent.
//!
//! The large one is reserved first: it is the guest's already, but not mapped, and where it is, plus
//! 1, is how far the chunk has come. Then the small ones are taken one by one, and counted.

use super::super::super::{Call, Machine};
use super::super::frames::{release, reserve};
use super::{hand_over, owns};
use crate::address::{Gfn, Gva};
use crate::frame_set::MAX_ORDER;
use xenolith_abi::errno::{EFAULT, EINVAL, ENOMEM};
use xenolith_abi::memory::Exchange;
use zerocopy::IntoBytes;

/// Extents of a chunk, at most.
const MAX_EXTENTS: usize = 1 << MAX_ORDER;

pub(super) fn step<M: Machine>(
    call: &mut Call<'_, M>,
    wanted: &mut Exchange,
    within: &mut u64,
) -> Result<(), i64> {
    let Some(reserved) = within.checked_sub(1).map(Gfn) else {
        *within = begin(call, wanted)?.0 + 1;
        return Ok(());
    };
    let (from, to) = (wanted.input.extent_order, wanted.output.extent_order);
    // Both were so at the beginning; but the guest ran meanwhile, and keeps these numbers.
    let taken = take(call, wanted);
    if !reserved.0.is_multiple_of(1 << to) || !owns(call, reserved, to) {
        return Err(EINVAL);
    }
    if let Err(error) = taken {
        release(call, reserved, 1 << to);
        return Err(error);
    }
    wanted.nr_exchanged += 1;
    if wanted.nr_exchanged.is_multiple_of(1 << (to - from)) {
        *within = 0;
        let number = (wanted.nr_exchanged >> (to - from)) - 1;
        if let Err(error) = hand_over(call, reserved, &wanted.output, number) {
            wanted.nr_exchanged -= 1;
            return Err(error);
        }
    }
    Ok(())
}

/// Looks whether the guest has all extents of the chunk; reserves the large one.
fn begin<M: Machine>(call: &mut Call<'_, M>, wanted: &Exchange) -> Result<Gfn, i64> {
    let (from, to) = (wanted.input.extent_order, wanted.output.extent_order);
    let mut list = [0_u64; MAX_EXTENTS];
    let list = &mut list[..1 << (to - from)];
    let at = Gva(wanted.input.extent_start.wrapping_add(wanted.nr_exchanged * 8));
    call.space().copy_in(at, list.as_mut_bytes()).map_err(|_| EFAULT)?;
    if !call.machine.frames().owns_each(list, 1 << from) {
        return Err(EINVAL);
    }
    reserve(call, to, u64::MAX).ok_or(ENOMEM)
}

/// Takes the next small extent.
fn take<M: Machine>(call: &mut Call<'_, M>, wanted: &Exchange) -> Result<(), i64> {
    let from = wanted.input.extent_order;
    let gfn = super::listed(call, &wanted.input, wanted.nr_exchanged)?;
    if !owns(call, gfn, from) {
        return Err(EINVAL);
    }
    release(call, gfn, 1 << from);
    Ok(())
}
