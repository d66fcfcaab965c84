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
use core::{ops::Range, sync::atomic::Ordering::Relaxed};

use x86_64::{
    VirtAddr,
    structures::paging::{PageTableFlags as Flags, PhysFrame},
};
use xenolith_system_calls::{EINVAL, ENOMEM};

use super::{
    arguments::{Answer, Error},
    page_table,
    pages::{self, InMemory},
    program::Program,
    regions::{Access, Backing, PAGE, Region, RegionError, Regions},
    resolve::{Attempt, Refusal, Remedy, resolve},
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

/// Why a fault has no remedy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Problem {
    Refused(Refusal),
    StackOverflow,
    NoMemory,
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
        let root = pages::top_level().ok_or(Problem::NoMemory)?;
        let mut space = Self { root, regions: Regions::new(), program };
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
        let remedy = resolve(region, attempt, pages::state(mapped)).map_err(Problem::Refused)?;
        let new = self.apply(remedy, address, mapped, region.access).ok_or(Problem::NoMemory)?;
        entry.store(new, Relaxed);
        // The processor may remember the entry that it found wanting.
        pvops::flush_tlb_one(VirtAddr::new_truncate(address));
        Ok(())
    }

    /// Does what a remedy says; returns the new entry.
    fn apply(&self, remedy: Remedy, address: u64, mapped: u64, access: Access) -> Option<u64> {
        let zeros = pages::zeros();
        let file = |segment| self.program.frame(segment, address);
        Some(match remedy {
            Remedy::Retry => mapped,
            Remedy::MakeWritable => mapped | Flags::WRITABLE.bits(),
            Remedy::ShareZeros => pages::share(zeros, access),
            Remedy::ShareFile(segment) => pages::share(file(segment).unwrap_or(zeros), access),
            Remedy::Zeros => pages::word(memory::allocate_zeroed()?, access, Flags::WRITABLE),
            Remedy::CopyFile(segment) => match file(segment) {
                Some(frame) => pages::word(pages::copy(frame)?, access, Flags::WRITABLE),
                None => pages::word(memory::allocate_zeroed()?, access, Flags::WRITABLE),
            },
            Remedy::CopyMapped => {
                let old = PhysFrame::containing_address(page_table::target(mapped));
                let new = pages::copy(old)?;
                memory::release(old);
                pages::word(new, access, Flags::WRITABLE)
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
