//! The grant table itself: its size, where it is, its version.

use super::super::{Call, Machine};
use super::is_caller;
use crate::address::{Gva, to_usize};
use crate::guest_access::Fault;
use crate::hole::GRANT_FRAMES;
use xenolith_abi::errno::{EINVAL, ENOSYS, ESRCH};
use xenolith_abi::grant::{
    BAD_DOMAIN, BAD_VIRT_ADDR, GENERAL_ERROR, OKAY, QuerySize, SetVersion, SetupTable, Version,
};
use zerocopy::IntoBytes;

/// The only format there is.
const VERSION: u32 = 1;

/// Grows the table and writes its frames to the list.
pub(super) fn setup<M: Machine>(call: &mut Call<'_, M>, at: Gva) -> Result<i64, Fault> {
    let mut wanted: SetupTable = call.space().read(at)?;
    wanted.status = if !is_caller(call, wanted.dom) {
        BAD_DOMAIN
    } else if wanted.nr_frames > GRANT_FRAMES {
        GENERAL_ERROR
    } else {
        call.domain.grant_frames = call.domain.grant_frames.max(wanted.nr_frames);
        list(call, &wanted).map_or(BAD_VIRT_ADDR, |()| OKAY)
    };
    call.space().write(at, &wanted).map(|()| 0)
}

fn list<M: Machine>(call: &mut Call<'_, M>, wanted: &SetupTable) -> Result<(), Fault> {
    let first = call.domain.hole.grants().gfn().0;
    let mut frames = [0_u64; GRANT_FRAMES as usize];
    for (frame, number) in frames.iter_mut().zip(first..) {
        *frame = number;
    }
    let count = to_usize(wanted.nr_frames.into());
    call.space().copy_out(Gva(wanted.frame_list), frames[..count].as_bytes())
}

pub(super) fn query_size<M: Machine>(call: &mut Call<'_, M>, at: Gva) -> Result<i64, Fault> {
    let mut size: QuerySize = call.space().read(at)?;
    if is_caller(call, size.dom) {
        size.nr_frames = call.domain.grant_frames;
        size.max_nr_frames = GRANT_FRAMES;
        size.status = OKAY;
    } else {
        size.status = BAD_DOMAIN;
    }
    call.space().write(at, &size).map(|()| 0)
}

/// Accepts the first version; the second does not exist, as on a Xen that was told so.
pub(super) fn set_version<M: Machine>(call: &mut Call<'_, M>, at: Gva) -> Result<i64, Fault> {
    let SetVersion { version } = call.space().read(at)?;
    if !(1..=2).contains(&version) {
        return Ok(-EINVAL);
    }
    call.space().write(at, &SetVersion { version: VERSION })?;
    Ok(if version == VERSION { 0 } else { -ENOSYS })
}

pub(super) fn version<M: Machine>(call: &mut Call<'_, M>, at: Gva) -> Result<i64, Fault> {
    let asked: Version = call.space().read(at)?;
    if !is_caller(call, asked.dom) {
        return Ok(-ESRCH);
    }
    call.space().write(at, &Version { version: VERSION, ..asked }).map(|()| 0)
}
