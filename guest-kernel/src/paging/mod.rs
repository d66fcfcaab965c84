//! The page tables the kernel runs on, walked and changed by plain loads and stores.
//!
//! Under Xenolith tables need no hypercall and no validation. Entries are atomics, because the
//! CPU's own walks set accessed and dirty bits at any time.

mod walk;

pub use walk::{Entry, WalkError};
pub use x86_64::structures::paging::page_table::PageTableLevel as Level;

use x86_64::{PhysAddr, VirtAddr, structures::paging::PageTableFlags as Flags};

use crate::{StartInfo, protection_keys::Key, pvops};

/// Guest-virtual address of guest-physical 0 in the boot mapping: our VIRT_BASE note.
pub const BOOT_MAP: VirtAddr = VirtAddr::new(0xffff_ffff_8000_0000);

/// The address bits of a page-table entry.
pub const FRAME_BITS: u64 = 0x000f_ffff_ffff_f000;

/// The bits of an entry that name the page's protection key, where keys are turned on.
const KEY_BITS: u64 = 0xf << 59;

/// An address space: a top-level table, and the part of memory in which tables can be reached.
#[derive(Clone, Copy, Debug)]
pub struct AddressSpace {
    root: PhysAddr,
    /// Guest-physical memory below this is mapped at [`BOOT_MAP`].
    reachable: PhysAddr,
}

impl AddressSpace {
    /// Returns the address space that CR3 names, with tables reached through the boot mapping.
    ///
    /// The boot mapping certainly covers all below the end of the boot page tables, which come
    /// after everything else a kernel is given but its stack.
    pub fn of_boot(start: &StartInfo) -> Self {
        let root = PhysAddr::new(pvops::read_cr3() & FRAME_BITS);
        let reachable = PhysAddr::new(start.page_tables().end - BOOT_MAP);
        Self { root, reachable }
    }

    /// Returns the entry that maps `address`: a leaf of 4 KiB or larger.
    ///
    /// # Errors
    ///
    /// If the walk ends before a present leaf, or leaves the memory where tables can be reached.
    pub fn leaf(&self, address: VirtAddr) -> Result<Entry, WalkError> {
        let leaf = match self.entry(address, Level::One) {
            Err(WalkError::LargePage(level)) => self.entry(address, level)?,
            other => other?,
        };
        if leaf.flags().contains(Flags::PRESENT) {
            Ok(leaf)
        } else {
            Err(WalkError::NotPresent(leaf.level()))
        }
    }

    /// Returns the guest-physical address that `address` is mapped to.
    ///
    /// # Errors
    ///
    /// As [`leaf`](Self::leaf).
    pub fn translate(&self, address: VirtAddr) -> Result<PhysAddr, WalkError> {
        self.leaf(address).map(|leaf| leaf.target(address))
    }

    /// Maps the 4 KiB page at `address` to `frame`, changing an entry of an existing table.
    ///
    /// # Errors
    ///
    /// If there is no last-level table for `address`.
    ///
    /// # Safety
    ///
    /// What Rust knows about the page must stay true: its old memory is no longer reached there.
    pub unsafe fn map(
        &self,
        address: VirtAddr,
        frame: PhysAddr,
        flags: Flags,
    ) -> Result<(), WalkError> {
        let entry = self.entry(address, Level::One)?;
        entry.store((frame.as_u64() & FRAME_BITS) | flags.bits());
        pvops::flush_tlb_one(address);
        Ok(())
    }

    /// Gives the 4 KiB page at `address` other flags and leaves its frame and its protection key.
    ///
    /// # Errors
    ///
    /// If there is no last-level table for `address`.
    ///
    /// # Safety
    ///
    /// Whoever uses the page must get by with the new access.
    pub unsafe fn set_flags(&self, address: VirtAddr, flags: Flags) -> Result<(), WalkError> {
        let entry = self.entry(address, Level::One)?;
        entry.store((entry.load() & (FRAME_BITS | KEY_BITS)) | flags.bits());
        pvops::flush_tlb_one(address);
        Ok(())
    }

    /// Gives the 4 KiB page at `address` a protection key, or the one that is always open.
    ///
    /// # Errors
    ///
    /// If there is no last-level table for `address`.
    ///
    /// # Safety
    ///
    /// Whoever uses the page must get by with any access to the key that a task may have at the time.
    pub unsafe fn set_key(&self, address: VirtAddr, key: Option<Key>) -> Result<(), WalkError> {
        let entry = self.entry(address, Level::One)?;
        entry.store(entry.load() & !KEY_BITS | key.map_or(0, Key::entry_bits));
        pvops::flush_tlb_one(address);
        Ok(())
    }
}
