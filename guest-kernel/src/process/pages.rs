//! Tables and pages of processes in frames of this kernel, and what all address spaces share.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use spin::Once;
use x86_64::{
    PhysAddr,
    structures::paging::{PageTableFlags as Flags, PhysFrame},
};

use super::{
    machine,
    page_table::{self, Tables},
    regions::Access,
    resolve::Mapped,
};
use crate::{memory, static_pages::PAGE_BYTES};

/// Entries of a table, and the first of a top-level table that is the kernel's.
const ENTRIES: usize = 512;
const FIRST_OF_KERNEL: usize = 256;

/// What all address spaces share.
#[derive(Clone, Copy, Debug)]
struct Shared {
    /// The kernel's own top-level table.
    root: PhysFrame,
    /// The page of zeros.
    zeros: PhysFrame,
}

static SHARED: Once<Shared> = Once::new();

/// Tables in frames of this kernel.
pub(super) struct InMemory;

impl Tables for InMemory {
    fn allocate(&self) -> Option<PhysAddr> {
        memory::allocate_zeroed().map(PhysFrame::start_address)
    }

    fn release(&self, table: PhysAddr) {
        memory::release(PhysFrame::containing_address(table));
    }

    fn entry(&self, table: PhysAddr, index: usize) -> &AtomicU64 {
        let table = memory::pointer::<u64>(PhysFrame::containing_address(table));
        // SAFETY: all memory stays mapped, `index` is below 512, and entries are accessed as
        // atomics only.
        unsafe { AtomicU64::from_ptr(table.wrapping_add(index % ENTRIES)) }
    }
}

/// Takes what all address spaces share; `None` without memory.
pub(super) fn install() -> Option<()> {
    let shared = Shared { root: machine::address_space(), zeros: memory::allocate_zeroed()? };
    SHARED.call_once(|| shared);
    Some(())
}

fn shared() -> Shared {
    *SHARED.get().expect("processes are installed")
}

/// Returns the kernel's own top-level table.
pub(super) fn of_kernel() -> PhysFrame {
    shared().root
}

/// Returns the page of zeros.
pub(super) fn zeros() -> PhysFrame {
    shared().zeros
}

/// Returns a top-level table that has the kernel's entries.
pub(super) fn top_level() -> Option<PhysFrame> {
    let root = memory::allocate_zeroed()?;
    for index in FIRST_OF_KERNEL..ENTRIES {
        let of_kernel = InMemory.entry(of_kernel().start_address(), index).load(Relaxed);
        InMemory.entry(root.start_address(), index).store(of_kernel, Relaxed);
    }
    Some(root)
}

/// Returns how an entry maps its page.
pub(super) fn state(entry: u64) -> Mapped {
    if entry & Flags::PRESENT.bits() == 0 {
        Mapped::No
    } else if memory::sharers(PhysFrame::containing_address(page_table::target(entry))) > 1 {
        Mapped::Shared
    } else {
        Mapped::Alone { writable: entry & Flags::WRITABLE.bits() != 0 }
    }
}

/// Returns an entry for a frame that gets one more user, read-only.
pub(super) fn share(frame: PhysFrame, access: Access) -> u64 {
    memory::share(frame);
    word(frame, access, Flags::empty())
}

/// Returns an entry for a frame.
pub(super) fn word(frame: PhysFrame, access: Access, more: Flags) -> u64 {
    let execute = if access == Access::Execute { Flags::empty() } else { Flags::NO_EXECUTE };
    let flags = Flags::PRESENT | Flags::USER_ACCESSIBLE | execute | more;
    frame.start_address().as_u64() | flags.bits()
}

/// Returns a frame with the content of another.
pub(super) fn copy(frame: PhysFrame) -> Option<PhysFrame> {
    let new = memory::allocate()?;
    let [from, to] = [frame, new].map(memory::pointer::<u8>);
    // SAFETY: both are whole frames, the new one nobody else's.
    unsafe { to.copy_from_nonoverlapping(from, PAGE_BYTES) };
    Some(new)
}
