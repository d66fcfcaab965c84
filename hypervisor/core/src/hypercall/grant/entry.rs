//! Entries of the grant table: where they are, and the flags by which both sides see their use.
//!
//! The kernel may change an entry at any time, but for a compare-and-exchange that fails while the
//! flags of use are set. So these are set and cleared atomically, and what an entry permits counts
//! as it was in that moment.

use super::super::{Call, Machine};
use crate::address::{Gpa, PAGE_SIZE, to_u64};
use crate::guest_memory::GuestMemory;
use xenolith_abi::grant::{
    BAD_GNTREF, EntryV1, GENERAL_ERROR, GTF_PERMIT_ACCESS, GTF_READING, GTF_READONLY, GTF_SUB_PAGE,
    GTF_TYPE_MASK, GTF_WRITING,
};
use zerocopy::transmute;

/// Flags of an entry that say more than that access is permitted.
pub(super) const OTHER_KINDS: u16 = GTF_SUB_PAGE | GTF_TYPE_MASK;

/// Returns where entry `number` is.
pub(super) fn place<M: Machine>(call: &Call<'_, M>, number: u32) -> Result<Gpa, i16> {
    let offset = u64::from(number) * to_u64(size_of::<EntryV1>());
    if offset >= u64::from(call.domain.grant_frames) * PAGE_SIZE {
        return Err(BAD_GNTREF);
    }
    Ok(Gpa(call.domain.hole.grants().0 + offset))
}

/// Reads the entry at `at`.
pub(super) fn read<M: Machine>(call: &mut Call<'_, M>, at: Gpa) -> Result<EntryV1, i16> {
    call.machine.memory().read_word(at).map(parse).ok_or(BAD_GNTREF)
}

/// Marks the entry at `at` as used, if it permits that to the caller; returns it as it was then.
pub(super) fn begin_use<M: Machine>(
    call: &mut Call<'_, M>,
    at: Gpa,
    read_only: bool,
) -> Result<EntryV1, i16> {
    let before = read(call, at)?;
    permits(call, before, read_only)?;
    let flags = if read_only { GTF_READING } else { GTF_READING | GTF_WRITING };
    let then = call.machine.memory().fetch_or(at, flags.into()).ok_or(BAD_GNTREF)?;
    let then = parse(then);
    if let Err(status) = permits(call, then, read_only) {
        end_use(call, at, flags & !then.flags);
        return Err(status);
    }
    Ok(then)
}

fn permits<M>(call: &Call<'_, M>, entry: EntryV1, read_only: bool) -> Result<(), i16> {
    let permitted = entry.flags & OTHER_KINDS == GTF_PERMIT_ACCESS;
    let refused = !read_only && entry.flags & GTF_READONLY != 0;
    if permitted && !refused && entry.domid == call.domain.id.0 {
        Ok(())
    } else {
        Err(GENERAL_ERROR)
    }
}

/// Clears flags of use of the entry at `at`.
pub(super) fn end_use<M: Machine>(call: &mut Call<'_, M>, at: Gpa, flags: u16) {
    if flags != 0 {
        // The table is the guest's memory as long as the domain lives.
        let _ = call.machine.memory().fetch_and(at, !u64::from(flags));
    }
}

fn parse(word: u64) -> EntryV1 {
    transmute!(word.to_le_bytes())
}
