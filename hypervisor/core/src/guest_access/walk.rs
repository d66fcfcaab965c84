//! Walks of a guest's page tables, which are most of what a small argument costs.
//!
//! Nearly all lead through four tables to a page of 4 KiB, and find all flags set that they would
//! set. Those are [`look`]'s, which changes nothing. All others are [`climb`]'s, which does as the
//! CPU does.

use super::{Access, Fault, Privilege, is_reachable};
use crate::address::{Gpa, Gva, to_u64};
use crate::guest_memory::GuestMemory;
use crate::page_map::{ADDRESS_MASK, LARGE, level_shift, table_index};

pub(super) const PRESENT: u64 = 1 << 0;
pub(super) const WRITABLE: u64 = 1 << 1;
const USER: u64 = 1 << 2;
pub(super) const ACCESSED: u64 = 1 << 5;
pub(super) const DIRTY: u64 = 1 << 6;

/// What an access needs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    /// The flags that each entry on the way has behind the access; it can be made if each has them
    /// before, but for [`ACCESSED`].
    everywhere: u64,
}

/// Where an entry leads.
#[derive(Debug)]
enum Step {
    /// To a table of the next level.
    Table(u64),
    /// To the address that was looked for.
    Page(Gpa),
}

impl Wanted {
    #[inline]
    pub(super) fn new(access: Access, privilege: Privilege) -> Self {
        let user = if privilege == Privilege::User { USER } else { 0 };
        let writable = if access == Access::Write { WRITABLE } else { 0 };
        Self { everywhere: PRESENT | ACCESSED | user | writable }
    }

    /// The flags that the page's own entry has behind the access: a page that is written is dirty.
    #[inline]
    const fn in_leaf(self) -> u64 {
        let writes = self.everywhere & WRITABLE != 0;
        self.everywhere | if writes { DIRTY } else { 0 }
    }
}

/// Returns where `address` lies, with the accessed and dirty flags set on the way.
#[inline]
pub(super) fn walk<M: GuestMemory>(
    memory: &mut M,
    cr3: u64,
    address: Gva,
    wanted: Wanted,
) -> Result<Gpa, Fault> {
    match look(memory, cr3, address, wanted) {
        Some(at) => Ok(at),
        None => climb(memory, cr3, address, wanted),
    }
}

/// Returns where `address` lies, if it is in a page of 4 KiB, nothing is to be set on the way, and
/// no table has to be searched for.
#[inline(never)]
pub(super) fn look<M: GuestMemory>(
    memory: &M,
    cr3: u64,
    address: Gva,
    wanted: Wanted,
) -> Option<Gpa> {
    if !is_reachable(address) {
        return None;
    }
    let mut entry = cr3;
    for level in (2..=4).rev() {
        entry = memory.read_word_at_once(slot(entry, address, level))?;
        if entry & (wanted.everywhere | LARGE) != wanted.everywhere {
            return None;
        }
    }
    let leaf = memory.read_word_at_once(slot(entry, address, 1))?;
    let passes = !leaf & wanted.in_leaf() == 0;
    passes.then(|| Gpa((leaf & ADDRESS_MASK) | address.page_offset()))
}

/// Likewise for every access that can be made; sets what is to be set.
#[cold]
#[inline(never)]
pub(super) fn climb<M: GuestMemory>(
    memory: &mut M,
    cr3: u64,
    address: Gva,
    wanted: Wanted,
) -> Result<Gpa, Fault> {
    if !is_reachable(address) {
        return Err(Fault);
    }
    let mut parent = cr3;
    for level in (1..=4).rev() {
        match step(memory, parent, address, level, wanted)? {
            Step::Table(entry) => parent = entry,
            Step::Page(at) => return Ok(at),
        }
    }
    Err(Fault)
}

/// Follows the entry of a table of `level` that `parent`, CR3 or an entry, leads to.
fn step<M: GuestMemory>(
    memory: &mut M,
    parent: u64,
    address: Gva,
    level: u32,
    wanted: Wanted,
) -> Result<Step, Fault> {
    let slot = slot(parent, address, level);
    let entry = memory.read_word(slot).ok_or(Fault)?;
    if !entry & wanted.everywhere & !ACCESSED != 0 {
        return Err(Fault);
    }
    let large = level > 1 && entry & LARGE != 0;
    if large && (level == 4 || entry & reserved_in_large(level) != 0) {
        return Err(Fault);
    }
    let leaf = level == 1 || large;
    let flags = if leaf { wanted.in_leaf() } else { wanted.everywhere };
    if entry & flags != flags {
        memory.fetch_or(slot, flags & (ACCESSED | DIRTY)).ok_or(Fault)?;
    }
    if !leaf {
        return Ok(Step::Table(entry));
    }
    let within = (1 << level_shift(level)) - 1;
    Ok(Step::Page(Gpa((entry & ADDRESS_MASK & !within) | (address.0 & within))))
}

/// Returns where the last-level entry for `address` is, if tables lead to it.
pub(super) fn last_level_slot<M: GuestMemory>(memory: &M, cr3: u64, address: Gva) -> Option<Gpa> {
    if !is_reachable(address) {
        return None;
    }
    let mut parent = cr3;
    for level in (2..=4).rev() {
        parent = memory.read_word(slot(parent, address, level))?;
        if parent & PRESENT == 0 || parent & LARGE != 0 {
            return None;
        }
    }
    Some(slot(parent, address, 1))
}

/// Returns where the entry for `address` is in the table of `level` that `parent` leads to.
#[inline]
fn slot(parent: u64, address: Gva, level: u32) -> Gpa {
    Gpa((parent & ADDRESS_MASK) | (8 * to_u64(table_index(address.0, level))))
}

/// Returns the bits of a large page's entry that have to be 0: those below its address, but for
/// the flags and the PAT bit.
const fn reserved_in_large(level: u32) -> u64 {
    ((1 << level_shift(level)) - 1) & !0x1fff
}
