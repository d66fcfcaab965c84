//! The address space of a process: what may be where, the tables, and the frames behind them.
//!
//! ```text
//! 0x0000_0001_0000   the program, where its file says
//! 0x1000_0000_0000   what it maps
//! 0x7fff_0000_0000   end of the stack, which grows down to a limit
//! 0x7fff_ffff_f000   end of a process's addresses
//!   upper half       the kernel's and the hypervisor's entries, the same in every top-level table
//! ```
//!
//! Pages take memory when they are touched (`resolve`). A process that ends gives all of it back.

use alloc::sync::Arc;
use core::{
    ops::Range,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use spin::Once;
use x86_64::{
    PhysAddr, VirtAddr,
    structures::paging::{PageTableFlags as Flags, PhysFrame},
};
use xenolith_system_calls::{EINVAL, ENOMEM};

use super::{
    arguments::{Answer, Error},
    machine,
    page_table::{self, Tables},
    program::Program,
    regions::{Access, Backing, PAGE, Region, RegionError, Regions},
    resolve::{Attempt, Mapped, Refusal, Remedy, resolve},
};
use crate::{memory, pvops, static_pages::PAGE_BYTES};

/// Where a process's `map` puts memory.
const MAPPINGS: Range<u64> = 0x1000_0000_0000..0x7000_0000_0000;

/// The stack, as far as it may grow (1 MiB).
const STACK: Range<u64> = STACK_END - (1 << 20)..STACK_END;
const STACK_END: u64 = 0x7fff_0000_0000;

/// Below the stack, addresses at which a fault is called an overflow.
const GUARD: Range<u64> = STACK.start - (1 << 20)..STACK.start;

/// The lower half of the address space.
const LOWER_HALF: Range<u64> = 0..1 << 47;

/// Entries of a top-level table, and the first that is the kernel's.
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

/// Why a fault has no remedy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Problem {
    Refused(Refusal),
    StackOverflow,
    NoMemory,
}

/// Tables in frames of this kernel.
struct InMemory;

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

/// The address space of one process.
#[derive(Debug)]
pub(super) struct AddressSpace {
    root: PhysFrame,
    regions: Regions,
    program: Arc<Program>,
}

impl AddressSpace {
    /// Returns an address space in which a program could begin.
    pub(super) fn new(program: Arc<Program>) -> Result<Self, Problem> {
        let root = memory::allocate_zeroed().ok_or(Problem::NoMemory)?;
        let mut space = Self { root, regions: Regions::new(), program };
        for index in FIRST_OF_KERNEL..ENTRIES {
            let of_kernel = InMemory.entry(of_kernel().start_address(), index).load(Relaxed);
            InMemory.entry(root.start_address(), index).store(of_kernel, Relaxed);
        }
        let stack = Region { pages: STACK, access: Access::Write, backing: Backing::Stack };
        let regions = space.program.regions().cloned().chain([stack]);
        for region in regions {
            // A program that is where the stack shall be has no room for one.
            space.regions.insert(region).map_err(|_| Problem::StackOverflow)?;
        }
        Ok(space)
    }

    /// Returns the top-level table.
    pub(super) fn root(&self) -> PhysFrame {
        self.root
    }

    /// Puts bytes at the end of the stack; returns their address, aligned to 16 bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<u64, Problem> {
        let start = (STACK_END - bytes.len() as u64) & !0xf;
        let (mut at, mut rest) = (start, bytes);
        while !rest.is_empty() {
            self.resolve(at, Attempt::Write)?;
            let entry = page_table::find(&InMemory, self.root.start_address(), at);
            let frame = entry.map(|it| page_table::target(it.load(Relaxed)));
            let frame = PhysFrame::containing_address(frame.ok_or(Problem::NoMemory)?);
            let offset = usize::try_from(at % PAGE).unwrap_or(0);
            let (now, later) = rest.split_at(rest.len().min(PAGE_BYTES - offset));
            let to = memory::pointer::<u8>(frame).wrapping_add(offset);
            // SAFETY: the frame is this process's alone, and the bytes end with it at the latest.
            unsafe { to.copy_from_nonoverlapping(now.as_ptr(), now.len()) };
            (at, rest) = (at + now.len() as u64, later);
        }
        Ok(start)
    }

    /// Makes an access at `address` work, or says why it must not.
    pub(super) fn resolve(&mut self, address: u64, attempt: Attempt) -> Result<(), Problem> {
        let region = self.regions.find(address).ok_or(if GUARD.contains(&address) {
            Problem::StackOverflow
        } else {
            Problem::Refused(Refusal::Nothing)
        })?;
        // Tables that turn out not to be needed are there for the next page, and go with the others.
        let entry = page_table::make(&InMemory, self.root.start_address(), address);
        let entry = entry.ok_or(Problem::NoMemory)?;
        let mapped = entry.load(Relaxed);
        let remedy = resolve(region, attempt, state(mapped)).map_err(Problem::Refused)?;
        let new = self.apply(remedy, address, mapped, region.access).ok_or(Problem::NoMemory)?;
        entry.store(new, Relaxed);
        // The processor may remember the entry that it found wanting.
        pvops::flush_tlb_one(VirtAddr::new_truncate(address));
        Ok(())
    }

    /// Does what a remedy says; returns the new entry.
    fn apply(&self, remedy: Remedy, address: u64, mapped: u64, access: Access) -> Option<u64> {
        let zeros = shared().zeros;
        let file = |segment| self.program.frame(segment, address);
        Some(match remedy {
            Remedy::Retry => mapped,
            Remedy::MakeWritable => mapped | Flags::WRITABLE.bits(),
            Remedy::ShareZeros => share(zeros, access),
            Remedy::ShareFile(segment) => share(file(segment).unwrap_or(zeros), access),
            Remedy::Zeros => word(memory::allocate_zeroed()?, access, Flags::WRITABLE),
            Remedy::CopyFile(segment) => match file(segment) {
                Some(frame) => word(copy(frame)?, access, Flags::WRITABLE),
                None => word(memory::allocate_zeroed()?, access, Flags::WRITABLE),
            },
            Remedy::CopyMapped => {
                let old = PhysFrame::containing_address(page_table::target(mapped));
                let new = copy(old)?;
                memory::release(old);
                word(new, access, Flags::WRITABLE)
            }
        })
    }

    /// Adds zeroed memory; returns where.
    pub(super) fn map(&mut self, bytes: u64, access: Access) -> Answer {
        let start = self.regions.room(bytes, MAPPINGS).ok_or(Error(ENOMEM))?;
        let region = Region { pages: start..start + bytes, access, backing: Backing::Zero };
        self.regions.insert(region).map_err(|_| Error(ENOMEM))?;
        Ok(start)
    }

    /// Takes pages away.
    pub(super) fn unmap(&mut self, pages: &Range<u64>) -> Answer {
        self.regions.remove(pages).map_err(|error| match error {
            RegionError::TooMany => Error(ENOMEM),
            RegionError::Outside | RegionError::Taken => Error(EINVAL),
        })?;
        self.release(pages);
        pvops::flush_tlb();
        Ok(0)
    }

    /// Gives the frames of a range back.
    fn release(&self, range: &Range<u64>) {
        page_table::take(&InMemory, self.root.start_address(), range, &mut |entry| {
            memory::release(PhysFrame::containing_address(page_table::target(entry)));
        });
    }
}

impl Drop for AddressSpace {
    fn drop(&mut self) {
        self.release(&LOWER_HALF);
        memory::release(self.root);
    }
}

/// Returns how an entry maps its page.
fn state(entry: u64) -> Mapped {
    if entry & Flags::PRESENT.bits() == 0 {
        Mapped::No
    } else if memory::sharers(PhysFrame::containing_address(page_table::target(entry))) > 1 {
        Mapped::Shared
    } else {
        Mapped::Alone { writable: entry & Flags::WRITABLE.bits() != 0 }
    }
}

/// Returns an entry for a frame that gets one more user, read-only.
fn share(frame: PhysFrame, access: Access) -> u64 {
    memory::share(frame);
    word(frame, access, Flags::empty())
}

/// Returns an entry for a frame.
fn word(frame: PhysFrame, access: Access, more: Flags) -> u64 {
    let execute = if access == Access::Execute { Flags::empty() } else { Flags::NO_EXECUTE };
    let flags = Flags::PRESENT | Flags::USER_ACCESSIBLE | execute | more;
    frame.start_address().as_u64() | flags.bits()
}

/// Returns a frame with the content of another.
fn copy(frame: PhysFrame) -> Option<PhysFrame> {
    let new = memory::allocate()?;
    let [from, to] = [frame, new].map(memory::pointer::<u8>);
    // SAFETY: both are whole frames, the new one nobody else's.
    unsafe { to.copy_from_nonoverlapping(from, PAGE_BYTES) };
    Some(new)
}
