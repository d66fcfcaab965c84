//! Entries of a domain's grant table: where they are, and the flags by which both sides see their
//! use (`xen/public/grant_table.h`, version 1).
//!
//! The kernel may change an entry at any time, but for a compare-and-exchange that fails while the
//! flags of use are set. So these are set and cleared atomically, and what an entry permits counts
//! as it was in that moment.

use crate::address::{DomId, Gpa, PAGE_SIZE, to_u64};
use crate::guest_memory::GuestMemory;
use xenolith_abi::grant::{
    BAD_GNTREF, EntryV1, GENERAL_ERROR, GTF_PERMIT_ACCESS, GTF_READING, GTF_READONLY, GTF_SUB_PAGE,
    GTF_TYPE_MASK, GTF_WRITING,
};
use zerocopy::transmute;

/// What a grant is used for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Access {
    /// The frame is only read.
    Read,
    /// The frame is written, and may be read.
    Write,
}

impl Access {
    /// Returns the flags of an entry that is used so.
    pub const fn flags(self) -> u16 {
        match self {
            Self::Read => GTF_READING,
            Self::Write => GTF_READING | GTF_WRITING,
        }
    }
}

/// Where a domain's table is, as far as it has been set up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct GrantTable {
    /// The first of its frames, which follow each other.
    pub start: Gpa,
    /// How many there are.
    pub frames: u32,
}

impl GrantTable {
    /// Returns where entry `number` is.
    ///
    /// # Errors
    ///
    /// When the table has no such entry.
    pub fn place(self, number: u32) -> Result<Gpa, i16> {
        let offset = u64::from(number) * to_u64(size_of::<EntryV1>());
        if offset >= u64::from(self.frames) * PAGE_SIZE {
            return Err(BAD_GNTREF);
        }
        Ok(Gpa(self.start.0 + offset))
    }
}

/// Reads the entry at `at`.
///
/// # Errors
///
/// When there is no memory.
pub fn read<M: GuestMemory>(memory: &M, at: Gpa) -> Result<EntryV1, i16> {
    memory.read_word(at).map(parse).ok_or(BAD_GNTREF)
}

/// Checks that `entry` permits `access` to `grantee`.
///
/// # Errors
///
/// When it does not.
pub fn check(entry: EntryV1, grantee: DomId, access: Access) -> Result<(), i16> {
    // Flags that say more than that access is permitted are those of other kinds of grants.
    let permitted = entry.flags & (GTF_SUB_PAGE | GTF_TYPE_MASK) == GTF_PERMIT_ACCESS;
    let refused = access == Access::Write && entry.flags & GTF_READONLY != 0;
    if permitted && !refused && entry.domid == grantee.0 { Ok(()) } else { Err(GENERAL_ERROR) }
}

/// Marks the entry at `at` as used, if it permits that to `grantee`; returns it as it was then.
///
/// # Errors
///
/// When it does not, or there is no memory.
pub fn begin_use<M: GuestMemory>(
    memory: &mut M,
    at: Gpa,
    grantee: DomId,
    access: Access,
) -> Result<EntryV1, i16> {
    check(read(memory, at)?, grantee, access)?;
    let flags = access.flags();
    let then = memory.fetch_or(at, flags.into()).map(parse).ok_or(BAD_GNTREF)?;
    if let Err(status) = check(then, grantee, access) {
        end_use(memory, at, flags & !then.flags);
        return Err(status);
    }
    Ok(then)
}

/// Clears flags of use of the entry at `at`.
pub fn end_use<M: GuestMemory>(memory: &mut M, at: Gpa, flags: u16) {
    if flags != 0 {
        // The table is the guest's memory as long as the domain lives.
        let _ = memory.fetch_and(at, !u64::from(flags));
    }
}

fn parse(word: u64) -> EntryV1 {
    transmute!(word.to_le_bytes())
}
