//! Copies within and between pages, named by frame or by grant.

use super::super::{Call, Machine, as_u32};
use super::entry;
use super::is_caller;
use crate::address::{Gfn, Gpa, PAGE_SIZE, to_u64, to_usize};
use crate::grant_table::{self, Access};
use crate::guest_memory::GuestMemory;
use xenolith_abi::domain::SELF;
use xenolith_abi::grant::{
    self, BAD_COPY_ARG, BAD_DOMAIN, BAD_PAGE, COPY_DEST_GREF, COPY_SOURCE_GREF, CopyPtr, OKAY,
    PERMISSION_DENIED,
};

/// Bytes that are moved at a time: few times for a page, and little to have on the stack.
const CHUNK_BYTES: usize = 1024;

pub(super) fn copy<M: Machine>(call: &mut Call<'_, M>, wanted: &mut grant::Copy) {
    wanted.status = transfer(call, wanted).map_or_else(|status| status, |()| OKAY);
}

fn transfer<M: Machine>(call: &mut Call<'_, M>, wanted: &grant::Copy) -> Result<(), i16> {
    let len = u64::from(wanted.len);
    let fits = |side: &CopyPtr| u64::from(side.offset) + len <= PAGE_SIZE;
    let from = place(call, &wanted.source, wanted.flags & COPY_SOURCE_GREF, Access::Read)?;
    let to = place(call, &wanted.dest, wanted.flags & COPY_DEST_GREF, Access::Write)?;
    if !fits(&wanted.source) || !fits(&wanted.dest) {
        return Err(BAD_COPY_ARG);
    }
    let mut chunk = [0; CHUNK_BYTES];
    let mut done = 0;
    while done < len {
        let bytes = to_usize(len - done).min(CHUNK_BYTES);
        let chunk = &mut chunk[..bytes];
        let memory = call.machine.memory();
        if !memory.read(Gpa(from.0 + done), chunk) || !memory.write(Gpa(to.0 + done), chunk) {
            return Err(BAD_PAGE);
        }
        done += to_u64(bytes);
    }
    Ok(())
}

/// Finds where a side begins. What is named by its frame has to be named as one's own.
fn place<M: Machine>(
    call: &mut Call<'_, M>,
    pointer: &CopyPtr,
    by_grant: u16,
    access: Access,
) -> Result<Gpa, i16> {
    let gfn = if by_grant != 0 {
        if !is_caller(call, pointer.domid) {
            return Err(BAD_DOMAIN);
        }
        granted(call, as_u32(pointer.frame), access)?
    } else if pointer.domid == SELF {
        Gfn(pointer.frame)
    } else {
        return Err(PERMISSION_DENIED);
    };
    let page = gfn.gpa().ok_or(BAD_PAGE)?;
    page.checked_add(pointer.offset.into()).ok_or(BAD_PAGE)
}

/// Returns the frame of a grant to the caller.
fn granted<M: Machine>(call: &mut Call<'_, M>, number: u32, access: Access) -> Result<Gfn, i16> {
    let entry = entry::read(call, entry::place(call, number)?)?;
    grant_table::check(entry, call.domain.id, access)?;
    Ok(Gfn(entry.frame.into()))
}
