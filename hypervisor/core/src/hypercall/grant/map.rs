//! `map_grant_ref`: a granted frame goes into a last-level entry of the caller's.

use super::super::{Call, Machine};
use super::entry::{begin_use, end_use, place};
use super::host;
use crate::address::{Gfn, Gpa, PAGE_SIZE};
use crate::grant_mappings::{Mapping, Uses};
use crate::grant_table::Access;
use crate::guest_memory::GuestMemory;
use xenolith_abi::grant::{
    BAD_DOMAIN, BAD_GNTREF, BAD_PAGE, EntryV1, GENERAL_ERROR, GTF_READING, GTF_WRITING,
    MAP_DEVICE_MAP, MAP_HOST_MAP, MAP_READONLY, MapGrantRef, NO_SPACE, OKAY,
};

pub(super) fn map<M: Machine>(call: &mut Call<'_, M>, wanted: &mut MapGrantRef) {
    wanted.status = match make(call, wanted) {
        Ok((handle, frame)) => {
            wanted.handle = handle;
            wanted.dev_bus_addr = u64::from(frame) * PAGE_SIZE;
            OKAY
        }
        Err(status) => status,
    };
}

/// Makes a mapping; returns its handle and the frame.
fn make<M: Machine>(call: &mut Call<'_, M>, wanted: &MapGrantRef) -> Result<(u32, u32), i16> {
    if wanted.flags & (MAP_DEVICE_MAP | MAP_HOST_MAP) == 0 {
        return Err(BAD_GNTREF);
    }
    // The caller's own number, as on Xen: `DOMID_SELF` names nobody here.
    if wanted.dom != call.domain.id.0 {
        return Err(BAD_DOMAIN);
    }
    let handle = call.domain.grant_mappings.free_handle().ok_or(NO_SPACE)?;
    let at = place(call, wanted.reference)?;
    let reference = u16::try_from(wanted.reference).map_err(|_| BAD_GNTREF)?;
    let uses = call.domain.grant_mappings.uses(reference);
    if uses.full {
        return Err(GENERAL_ERROR);
    }
    let read_only = wanted.flags & MAP_READONLY != 0;
    let (entry, frame) = begin(call, at, &uses, read_only)?;
    let mapping = Mapping::new(reference, frame, wanted.flags);
    if let Err(status) = host::map(call, wanted, mapping, entry) {
        end(call, at, &uses, read_only);
        return Err(status);
    }
    call.domain.grant_mappings.set(handle, mapping);
    Ok((handle, frame))
}

/// Begins a use of the grant at `at` beside those that there are; returns the entry, and the frame,
/// which stays the same as long as the grant is used.
fn begin<M: Machine>(
    call: &mut Call<'_, M>,
    at: Gpa,
    uses: &Uses,
    read_only: bool,
) -> Result<(EntryV1, u32), i16> {
    let is_marked = uses.frame.is_some() && (read_only || uses.writing);
    let access = if read_only { Access::Read } else { Access::Write };
    let entry =
        if is_marked { super::entry::read(call, at)? } else { begin_use(call, at, access)? };
    if let Some(frame) = uses.frame {
        return Ok((entry, frame));
    }
    if is_memory(call, entry.frame, read_only) {
        return Ok((entry, entry.frame));
    }
    end(call, at, uses, read_only);
    Err(BAD_PAGE)
}

/// Takes back the marks of a use that came to nothing.
fn end<M: Machine>(call: &mut Call<'_, M>, at: Gpa, uses: &Uses, read_only: bool) {
    let writing = if read_only || uses.writing { 0 } else { GTF_WRITING };
    let reading = if uses.frame.is_some() { 0 } else { GTF_READING };
    end_use(call, at, writing | reading);
}

/// Returns whether the caller has a frame, and may write to it unless it only reads.
fn is_memory<M: Machine>(call: &mut Call<'_, M>, frame: u32, read_only: bool) -> bool {
    let Some(page) = Gfn(frame.into()).gpa() else { return false };
    let memory = call.machine.memory();
    let word = if read_only { memory.read_word(page) } else { memory.fetch_or(page, 0) };
    word.is_some()
}
