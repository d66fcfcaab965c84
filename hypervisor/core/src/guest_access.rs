//! Copies between the hypervisor and a guest's virtual addresses.
//!
//! Every page is looked up in the guest's own page tables, as its kernel would see it: present and,
//! for stores, writable at each level; accessed and dirty flags are set as the CPU would set them,
//! or a guest that pages by them would lose data. The hypervisor's hole is never reached.

mod walk;

use crate::address::{Gpa, Gva, PAGE_SIZE, to_u64, to_usize};
use crate::guest_memory::GuestMemory;
use walk::{Wanted, look, walk};
use xenolith_abi::guest_layout::{HYPERVISOR_VIRT_END, HYPERVISOR_VIRT_START};
use zerocopy::{FromBytes, Immutable, IntoBytes};

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
    #[inline]
    pub fn read<T: FromBytes + IntoBytes>(&mut self, from: Gva) -> Result<T, Fault> {
        let mut value = T::new_zeroed();
        let bytes = value.as_mut_bytes();
        if !is_in_page(from, bytes.len()) {
            self.copy_in(from, bytes)?;
            return Ok(value);
        }
        // One walk, and a copy of as many bytes as the compiler knows.
        let at = self.translate(from, Access::Read)?;
        if self.memory.read(at, bytes) { Ok(value) } else { Err(Fault) }
    }

    /// Copies a structure out.
    ///
    /// # Errors
    ///
    /// As [`Self::copy_out`].
    #[inline]
    pub fn write<T: IntoBytes + Immutable>(&mut self, to: Gva, value: &T) -> Result<(), Fault> {
        let bytes = value.as_bytes();
        if !is_in_page(to, bytes.len()) {
            return self.copy_out(to, bytes);
        }
        let at = self.translate(to, Access::Write)?;
        if self.memory.write(at, bytes) { Ok(()) } else { Err(Fault) }
    }

    /// Returns where the `len` bytes at `at` are, if they lie in one page and neither reading nor
    /// writing them would set anything on the way; `None` says nothing about either.
    #[inline]
    pub fn find_writable(&self, at: Gva, len: usize) -> Option<Gpa> {
        if !is_in_page(at, len) {
            return None;
        }
        look(self.memory, self.cr3, at, Wanted::new(Access::Write, self.privilege))
    }

    /// Returns where the last-level entry for `address` is, if tables lead to it. Nothing is set on
    /// the way, and the entry may map nothing.
    pub fn last_level_slot(&self, address: Gva) -> Option<Gpa> {
        walk::last_level_slot(self.memory, self.cr3, address)
    }

    /// Returns where `address` lies, with the accessed and dirty flags set on the way.
    ///
    /// # Errors
    ///
    /// When whoever it is made for could not make the access, or the address is in the hole.
    #[inline]
    pub fn translate(&mut self, address: Gva, access: Access) -> Result<Gpa, Fault> {
        walk(self.memory, self.cr3, address, Wanted::new(access, self.privilege))
    }
}

/// Returns how many of `len` bytes from `at` on lie in the page of `at`.
fn in_page(at: Gva, len: usize) -> usize {
    len.min(to_usize(PAGE_SIZE - at.page_offset()))
}

/// Returns whether `len` bytes from `at` on lie in one page.
#[inline]
fn is_in_page(at: Gva, len: usize) -> bool {
    at.page_offset() + to_u64(len) <= PAGE_SIZE
}

/// Returns whether an address could ever be a guest's: canonical, and not in the hole, which begins
/// where the upper half of the space does.
#[inline]
pub(crate) fn is_reachable(address: Gva) -> bool {
    const LOWER_HALF_END: u64 = 1 << 47;
    const _: () = assert!(HYPERVISOR_VIRT_START == LOWER_HALF_END.wrapping_neg());
    !(LOWER_HALF_END..HYPERVISOR_VIRT_END).contains(&address.0)
}

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod test_space;
#[cfg(test)]
mod tests;
