//! `increase_reservation`, `decrease_reservation` and `populate_physmap`: a list of extents, done one
//! by one. The result is how many are done, also when one fails or nothing could be read.

use super::super::{Args, Call, Machine, Outcome, handle};
use super::frames::{Progress, claim, release, scrub, set_pfn};
use super::{COMMAND_BITS, is_caller};
use crate::address::{Gfn, Gva, PAGE_SHIFT};
use crate::frame_set::MAX_ORDER;
use crate::guest_access::is_reachable;
use xenolith_abi::memory::{self, MEMF_EXACT_NODE_REQUEST, MEMF_POPULATE_ON_DEMAND, Reservation};

/// What to do with extents.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Change {
    Increase,
    Decrease,
    Populate,
}

/// A list of extents that makes sense.
struct Extents {
    change: Change,
    list: u64,
    order: u32,
    /// First frame number above those that may be given.
    limit: u64,
}

pub(super) fn change<M: Machine>(call: &mut Call<'_, M>, args: &Args, command: u32) -> Outcome {
    let first = args[0] >> COMMAND_BITS;
    let cut = |done: u64| {
        let [_, argument, a, b, c] = *args;
        Outcome::Continue([u64::from(command) | done << COMMAND_BITS, argument, a, b, c])
    };
    if scrub(call) == Progress::Cut {
        return cut(first);
    }
    let result = |done: u64| Outcome::Return(i64::try_from(done).expect("58 bits"));
    let change = match command {
        memory::INCREASE_RESERVATION => Change::Increase,
        memory::DECREASE_RESERVATION => Change::Decrease,
        _ => Change::Populate,
    };
    let Ok(reservation) = call.space().read::<Reservation>(handle(args[1])) else {
        return result(first);
    };
    let Some(extents) = check(call, change, &reservation, first) else { return result(first) };
    for done in first..reservation.nr_extents {
        if done != first && call.machine.preempt() {
            return cut(done);
        }
        if extent(call, &extents, done).is_none() {
            return result(done);
        }
        if scrub(call) == Progress::Cut {
            return cut(done + 1);
        }
    }
    result(reservation.nr_extents)
}

/// Checks everything but the extents themselves, as Xen does before it touches one.
fn check<M: Machine>(
    call: &Call<'_, M>,
    change: Change,
    reservation: &Reservation,
    first: u64,
) -> Option<Extents> {
    let Reservation { extent_start: list, nr_extents, extent_order: order, mem_flags, .. } =
        *reservation;
    let encodable = nr_extents <= u64::from(u32::MAX >> COMMAND_BITS);
    let bits = mem_flags & 0xff;
    let node = mem_flags >> 8 & 0xff;
    let refused = first >= nr_extents
        || !is_caller(call, reservation.domid)
        || (1..=PAGE_SHIFT).contains(&bits)
        || (node != 0 && mem_flags & MEMF_EXACT_NODE_REQUEST != 0)
        || (change == Change::Populate && mem_flags & MEMF_POPULATE_ON_DEMAND != 0)
        || order > MAX_ORDER;
    let listed = list != 0 || change != Change::Increase;
    if !encodable || refused || (listed && !is_reachable(handle(list))) {
        return None;
    }
    let limit = match bits.checked_sub(PAGE_SHIFT) {
        Some(bits) => 1_u64.checked_shl(bits).unwrap_or(u64::MAX),
        None => u64::MAX,
    };
    Some(Extents { change, list, order, limit })
}

/// Does extent `number`; `None` if it fails.
fn extent<M: Machine>(call: &mut Call<'_, M>, extents: &Extents, number: u64) -> Option<()> {
    let Extents { change, list, order, limit } = *extents;
    let slot = Gva(list.wrapping_add(number * 8));
    match change {
        Change::Increase => {
            let gfn = claim(call, order, limit)?;
            if list != 0 {
                call.space().write(slot, &gfn.0).ok()?;
            }
        }
        Change::Populate => {
            let pfn: u64 = call.space().read(slot).ok()?;
            let gfn = claim(call, order, limit)?;
            set_pfn(call, gfn, order, pfn);
            call.space().write(slot, &gfn.0).ok()?;
        }
        Change::Decrease => {
            let start = Gfn(call.space().read(slot).ok()?);
            let count = call.machine.frames().owned_from(start, 1 << order);
            release(call, start, count);
            if count != 1 << order {
                return None;
            }
        }
    }
    Some(())
}
