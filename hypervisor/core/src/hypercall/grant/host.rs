//! The CPU's side of a mapping: the last-level entry that is written, and put back.

use super::super::{Call, Machine};
use crate::address::{Gpa, Gva, PAGE_SIZE};
use crate::grant_mappings::Mapping;
use crate::guest_memory::GuestMemory;
use crate::page_map::ADDRESS_MASK;
use xenolith_abi::grant::{
    EntryV1, GENERAL_ERROR, GTF_PAT, GTF_PCD, GTF_PWT, MAP_APPLICATION_MAP, MAP_CONTAINS_PTE,
    MAP_HOST_MAP, MAP_READONLY, MapGrantRef,
};

const PRESENT: u64 = 1 << 0;
const WRITABLE: u64 = 1 << 1;
const USER: u64 = 1 << 2;
const WRITE_THROUGH: u64 = 1 << 3;
const CACHE_DISABLE: u64 = 1 << 4;
const ACCESSED_DIRTY: u64 = 0x60;
const PAT: u64 = 1 << 7;
/// The first of three bits that the processor leaves to the guest, and where a request has them.
const AVAILABLE: u32 = 9;
const GUEST_AVAILABLE: u32 = 16;
const AVAILABLE_BITS: u64 = 7;

/// Writes the entry of a mapping, if it is for the CPU.
pub(super) fn map<M: Machine>(
    call: &mut Call<'_, M>,
    wanted: &MapGrantRef,
    mapping: Mapping,
    granted: EntryV1,
) -> Result<(), i16> {
    if !mapping.has(MAP_HOST_MAP) {
        return Ok(());
    }
    let entry = bits(mapping) | ACCESSED_DIRTY | asked_for(wanted.flags) | caching(granted.flags);
    let slot = slot(call, wanted.host_addr, mapping.has(MAP_CONTAINS_PTE))?;
    let before = call.machine.memory().replace_word(slot, entry, 0).ok_or(GENERAL_ERROR)?;
    if before & PRESENT != 0 {
        flush(call, mapping, wanted.host_addr);
    }
    Ok(())
}

/// Drops the translation of what a mapping's address or entry maps.
fn flush<M: Machine>(call: &mut Call<'_, M>, mapping: Mapping, address: u64) {
    if mapping.has(MAP_CONTAINS_PTE) {
        call.machine.flush_translations();
    } else {
        call.machine.flush_page(Gva(address));
    }
}

/// Returns the bits of an entry by which it is known again.
fn bits(mapping: Mapping) -> u64 {
    let writable = if mapping.has(MAP_READONLY) { 0 } else { WRITABLE };
    (u64::from(mapping.frame) * PAGE_SIZE) | PRESENT | writable
}

fn asked_for(flags: u32) -> u64 {
    let user = if flags & MAP_APPLICATION_MAP != 0 { USER } else { 0 };
    user | (u64::from(flags >> GUEST_AVAILABLE) & AVAILABLE_BITS) << AVAILABLE
}

fn caching(flags: u16) -> u64 {
    let pairs = [(GTF_PWT, WRITE_THROUGH), (GTF_PCD, CACHE_DISABLE), (GTF_PAT, PAT)];
    let set = pairs.into_iter().filter(|&(flag, _)| flags & flag != 0);
    set.fold(0, |bits, (_, bit)| bits | bit)
}

/// Returns where the entry is: at a guest-physical address, or where the tables lead to.
fn slot<M: Machine>(call: &mut Call<'_, M>, address: u64, by_entry: bool) -> Result<Gpa, i16> {
    if by_entry {
        return if Gpa(address).is_aligned(8) { Ok(Gpa(address)) } else { Err(GENERAL_ERROR) };
    }
    call.space().last_level_slot(Gva(address)).ok_or(GENERAL_ERROR)
}

fn load<M: Machine>(call: &mut Call<'_, M>, slot: Gpa) -> Result<u64, i16> {
    call.machine.memory().read_word(slot).ok_or(GENERAL_ERROR)
}

fn store<M: Machine>(call: &mut Call<'_, M>, slot: Gpa, entry: u64) -> Result<(), i16> {
    call.machine.memory().replace_word(slot, entry, 0).map(|_| ()).ok_or(GENERAL_ERROR)
}

/// Takes a mapping for the CPU away from where it is, and puts that of `replacement` there, unless
/// this is 0. No translation of either is left.
pub(super) fn unmap<M: Machine>(
    call: &mut Call<'_, M>,
    mapping: Mapping,
    address: u64,
    replacement: u64,
) -> Result<(), i16> {
    if replacement != 0 && mapping.has(MAP_CONTAINS_PTE) {
        return Err(GENERAL_ERROR);
    }
    let slot_of_new = match replacement {
        0 => None,
        address => Some(slot(call, address, false)?),
    };
    let old = slot(call, address, mapping.has(MAP_CONTAINS_PTE))?;
    if (load(call, old)? ^ bits(mapping)) & (ADDRESS_MASK | PRESENT | WRITABLE) != 0 {
        return Err(GENERAL_ERROR);
    }
    match slot_of_new {
        None => store(call, old, 0)?,
        Some(new) => {
            let entry = load(call, new)?;
            store(call, old, entry)?;
            store(call, new, 0)?;
            call.machine.flush_page(Gva(replacement));
        }
    }
    flush(call, mapping, address);
    Ok(())
}
