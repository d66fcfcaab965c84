//! Entries of the caller's grant table, which are grants to the caller itself.

use super::super::{Call, Machine};
use crate::address::Gpa;
use crate::grant_table::{self, Access};
use xenolith_abi::grant::EntryV1;

/// Returns where entry `number` is.
pub(super) fn place<M: Machine>(call: &Call<'_, M>, number: u32) -> Result<Gpa, i16> {
    call.domain.grant_table().place(number)
}

/// Reads the entry at `at`.
pub(super) fn read<M: Machine>(call: &mut Call<'_, M>, at: Gpa) -> Result<EntryV1, i16> {
    grant_table::read(call.machine.memory(), at)
}

/// Marks the entry at `at` as used, if it permits that to the caller; returns it as it was then.
pub(super) fn begin_use<M: Machine>(
    call: &mut Call<'_, M>,
    at: Gpa,
    access: Access,
) -> Result<EntryV1, i16> {
    grant_table::begin_use(call.machine.memory(), at, call.domain.id, access)
}

/// Clears flags of use of the entry at `at`.
pub(super) fn end_use<M: Machine>(call: &mut Call<'_, M>, at: Gpa, flags: u16) {
    grant_table::end_use(call.machine.memory(), at, flags);
}
