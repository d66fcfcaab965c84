//! `grant_table_op` (`xen/public/grant_table.h`): the table, in its first version, mappings, copies.
//!
//! There is one domain, so a grant can only be to itself. Frames are guest-physical, so to map one is
//! to write it into an entry, as the kernel could itself; what the call adds is the account of it.

mod copy;
mod entry;
mod host;
mod map;
mod table;
mod unmap;

use super::{Args, Call, Machine, Outcome, as_u32, finish, handle};
use crate::address::{DomId, Gva, to_u64};
use crate::guest_access::{Fault, is_reachable};
use xenolith_abi::domain::SELF;
use xenolith_abi::errno::{EFAULT, EINVAL, ENOSYS};
use xenolith_abi::grant;
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// The operation is in these bits; those above are an operation's own, of which none here has any.
const COMMAND_BITS: u32 = 12;

pub(super) fn grant_table_op<M: Machine>(call: &mut Call<'_, M>, args: &Args) -> Outcome {
    let [command, list, count, ..] = *args;
    let (command, count) = (as_u32(command), as_u32(count));
    if count.cast_signed() < 0 || command >> COMMAND_BITS != 0 {
        return Outcome::Return(-EINVAL);
    }
    let at = handle(list);
    match command {
        grant::SETUP_TABLE if count == 1 => finish(table::setup(call, at)),
        grant::QUERY_SIZE if count == 1 => finish(table::query_size(call, at)),
        grant::SETUP_TABLE | grant::QUERY_SIZE => Outcome::Return(-EINVAL),
        grant::SET_VERSION => finish(table::set_version(call, at)),
        grant::GET_VERSION => finish(table::version(call, at)),
        grant::COPY => each(call, args, count, copy::copy),
        grant::MAP_GRANT_REF => each(call, args, count, map::map),
        grant::UNMAP_GRANT_REF => each(call, args, count, unmap::unmap),
        grant::UNMAP_AND_REPLACE => each(call, args, count, unmap::replace),
        _ => Outcome::Return(-ENOSYS),
    }
}

/// Returns whether a number names the calling domain.
fn is_caller<M>(call: &Call<'_, M>, named: u16) -> bool {
    named == SELF || DomId(named) == call.domain.id
}

/// Does a list of requests, each of which has its status in itself.
fn each<M: Machine, T: FromBytes + IntoBytes + Immutable>(
    call: &mut Call<'_, M>,
    args: &Args,
    count: u32,
    request: impl Fn(&mut Call<'_, M>, &mut T),
) -> Outcome {
    let [command, list, _, fourth, fifth] = *args;
    if !is_reachable(handle(list)) {
        return Outcome::Return(-EFAULT);
    }
    for done in 0..count {
        let at = list.wrapping_add(u64::from(done) * to_u64(size_of::<T>()));
        if done != 0 && call.machine.preempt() {
            return Outcome::Continue([command, at, (count - done).into(), fourth, fifth]);
        }
        if let Err(fault) = one(call, handle(at), &request) {
            return fault.into();
        }
    }
    Outcome::Return(0)
}

fn one<M: Machine, T: FromBytes + IntoBytes + Immutable>(
    call: &mut Call<'_, M>,
    at: Gva,
    request: impl Fn(&mut Call<'_, M>, &mut T),
) -> Result<(), Fault> {
    let mut argument: T = call.space().read(at)?;
    request(call, &mut argument);
    call.space().write(at, &argument)
}
