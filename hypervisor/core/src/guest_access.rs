//! Copies between the hypervisor and a guest's virtual addresses.
//!
//! Every page is looked up in the guest's own page tables, as its kernel would see it: present and,
//! for stores, writable at each level; accessed and dirty flags are set as the CPU would set them,
//! or a guest that pages by them would lose data. The hypervisor's hole is never reached.

use crate::address::{Gpa, Gva, PAGE_SIZE, to_u64, to_usize};
use crate::guest_memory::GuestMemory;
use crate::page_map::{ADDRESS_MASK, LARGE, level_shift, table_index};
use xenolith_abi::guest_layout::{HYPERVISOR_VIRT_END, HYPERVISOR_VIRT_START};
use zerocopy::{FromBytes, Immutable, IntoBytes};

const PRESENT: u64 = 1 << 0;
const WRITABLE: u64 = 1 << 1;
const USER: u64 = 1 << 2;
const ACCESSED: u64 = 1 << 5;
const DIRTY: u64 = 1 << 6;

/// The guest gave an address that its kernel could not use: `-EFAULT`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Fault;

/// What an access does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Access {
    /// It reads.
    Read,
    /// It writes.
    Write,
}

/// For whom an access is made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Privilege {
    /// The guest's kernel, which reaches all pages.
    Kernel,
    /// A process, which reaches pages that are a user's at each level.
    User,
}

/// Flags of entries on the way to a page.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    /// What each must have.
    needed: u64,
    /// What the page's own must have behind the access.
    set: u64,
}

/// Where an entry leads.
#[derive(Debug)]
enum Step {
    /// To a table of the next level.
    Table(u64),
    /// To the address that was looked for.
    Page(Gpa),
}

/// A guest address space: memory, and the value of CR3 that selects its tables.
#[derive(Debug)]
pub struct GuestSpace<'a, M> {
    memory: &'a mut M,
    cr3: u64,
    privilege: Privilege,
}

impl<'a, M: GuestMemory> GuestSpace<'a, M> {
    /// Looks at `memory` through the tables that `cr3` selects, as the guest's kernel.
    pub fn new(memory: &'a mut M, cr3: u64) -> Self {
        Self { memory, cr3, privilege: Privilege::Kernel }
    }

    /// Looks at it for somebody else.
    pub fn with_privilege(self, privilege: Privilege) -> Self {
        Self { privilege, ..self }
    }

    /// Returns for whom accesses are made.
    pub fn privilege(&self) -> Privilege {
        self.privilege
    }

    /// Copies guest bytes from `from` on.
    ///
    /// # Errors
    ///
    /// When a page cannot be read; bytes before it may have been copied.
    pub fn copy_in(&mut self, from: Gva, into: &mut [u8]) -> Result<(), Fault> {
        let mut at = from;
        let mut rest = into;
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at_mut(in_page(at, rest.len()));
            let gpa = self.translate(at, Access::Read)?;
            if !self.memory.read(gpa, piece) {
                return Err(Fault);
            }
            at = Gva(at.0.wrapping_add(to_u64(piece.len())));
            rest = behind;
        }
        Ok(())
    }

    /// Copies `from` to guest bytes from `to` on.
    ///
    /// # Errors
    ///
    /// When a page cannot be written; bytes before it have been.
    pub fn copy_out(&mut self, to: Gva, from: &[u8]) -> Result<(), Fault> {
        let mut at = to;
        let mut rest = from;
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(in_page(at, rest.len()));
            let gpa = self.translate(at, Access::Write)?;
            if !self.memory.write(gpa, piece) {
                return Err(Fault);
            }
            at = Gva(at.0.wrapping_add(to_u64(piece.len())));
            rest = behind;
        }
        Ok(())
    }

    /// Copies a structure in.
    ///
    /// # Errors
    ///
    /// As [`Self::copy_in`].
    pub fn read<T: FromBytes + IntoBytes>(&mut self, from: Gva) -> Result<T, Fault> {
        let mut value = T::new_zeroed();
        self.copy_in(from, value.as_mut_bytes())?;
        Ok(value)
    }

    /// Copies a structure out.
    ///
    /// # Errors
    ///
    /// As [`Self::copy_out`].
    pub fn write<T: IntoBytes + Immutable + ?Sized>(
        &mut self,
        to: Gva,
        value: &T,
    ) -> Result<(), Fault> {
        self.copy_out(to, value.as_bytes())
    }

    /// Returns where the last-level entry for `address` is, if tables lead to it. Nothing is set on
    /// the way, and the entry may map nothing.
    pub fn last_level_slot(&mut self, address: Gva) -> Option<Gpa> {
        if !is_reachable(address) {
            return None;
        }
        let mut table = self.cr3 & ADDRESS_MASK;
        for level in (2..=4).rev() {
            let slot = Gpa(table + 8 * to_u64(table_index(address.0, level)));
            let entry = self.memory.read_word(slot)?;
            if entry & PRESENT == 0 || entry & LARGE != 0 {
                return None;
            }
            table = entry & ADDRESS_MASK;
        }
        Some(Gpa(table + 8 * to_u64(table_index(address.0, 1))))
    }

    /// Returns where `address` lies, with the accessed and dirty flags set on the way.
    ///
    /// # Errors
    ///
    /// When whoever it is made for could not make the access, or the address is in the hole.
    pub fn translate(&mut self, address: Gva, access: Access) -> Result<Gpa, Fault> {
        if !is_reachable(address) {
            return Err(Fault);
        }
        let wanted = self.wanted(access);
        let Step::Table(directories) = self.step::<4>(self.cr3, address, wanted)? else {
            return Err(Fault);
        };
        let tables = match self.step::<3>(directories, address, wanted)? {
            Step::Table(entry) => entry,
            Step::Page(at) => return Ok(at),
        };
        let table = match self.step::<2>(tables, address, wanted)? {
            Step::Table(entry) => entry,
            Step::Page(at) => return Ok(at),
        };
        match self.step::<1>(table, address, wanted)? {
            Step::Page(at) => Ok(at),
            Step::Table(_) => Err(Fault),
        }
    }

    /// Returns what every entry on the way must have, and what a leaf has behind the access.
    fn wanted(&self, access: Access) -> Wanted {
        let user = if self.privilege == Privilege::User { USER } else { 0 };
        match access {
            Access::Read => Wanted { needed: PRESENT | user, set: ACCESSED },
            Access::Write => Wanted { needed: PRESENT | WRITABLE | user, set: ACCESSED | DIRTY },
        }
    }

    /// Follows the entry of a table of `LEVEL` that `parent`, CR3 or an entry, leads to. A function
    /// for each level, since the walk is most of what a small argument costs.
    #[inline]
    fn step<const LEVEL: u32>(
        &mut self,
        parent: u64,
        address: Gva,
        Wanted { needed, set }: Wanted,
    ) -> Result<Step, Fault> {
        let slot = Gpa((parent & ADDRESS_MASK) + 8 * to_u64(table_index(address.0, LEVEL)));
        let entry = self.memory.read_word(slot).ok_or(Fault)?;
        if entry & needed != needed {
            return Err(Fault);
        }
        let large = LEVEL > 1 && entry & LARGE != 0;
        if large && (LEVEL == 4 || entry & reserved_in_large(LEVEL) != 0) {
            return Err(Fault);
        }
        let leaf = LEVEL == 1 || large;
        let flags = if leaf { set } else { ACCESSED };
        if entry & flags != flags {
            self.memory.fetch_or(slot, flags).ok_or(Fault)?;
        }
        if !leaf {
            return Ok(Step::Table(entry));
        }
        let within = (1 << level_shift(LEVEL)) - 1;
        Ok(Step::Page(Gpa((entry & ADDRESS_MASK & !within) | (address.0 & within))))
    }
}

/// Returns the bits of a large page's entry that have to be 0: those below its address, but for
/// the flags and the PAT bit.
const fn reserved_in_large(level: u32) -> u64 {
    ((1 << level_shift(level)) - 1) & !0x1fff
}

/// Returns how many of `len` bytes from `at` on lie in the page of `at`.
fn in_page(at: Gva, len: usize) -> usize {
    len.min(to_usize(PAGE_SIZE - at.page_offset()))
}

/// Returns whether an address could ever be a guest's: canonical, and not in the hole.
pub(crate) fn is_reachable(address: Gva) -> bool {
    address.is_canonical() && !in_hole(address)
}

fn in_hole(address: Gva) -> bool {
    (HYPERVISOR_VIRT_START..HYPERVISOR_VIRT_END).contains(&address.0)
}

#[cfg(test)]
pub(crate) mod tests;
