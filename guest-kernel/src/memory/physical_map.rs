//! All guest-physical memory at one place, by pages of 2 MiB: how the kernel reaches frames.
//!
//! ```text
//! PML4 slot 272   0xffff_8800_0000_0000   guest-physical 0, up to the end of memory
//! ```
//!
//! The slot is the first behind the hypervisor's. It is filled before the first address space of a
//! process copies the kernel's slots, and never changed again.

use x86_64::{
    PhysAddr, VirtAddr,
    structures::paging::{PageTableFlags as Flags, PhysFrame, page_table::PageTableLevel as Level},
};

use crate::{StartInfo, paging::AddressSpace, static_pages::StaticPages};

/// Where guest-physical address 0 is.
pub const BASE: VirtAddr = VirtAddr::new(0xffff_8800_0000_0000);

/// Bytes that an entry of level 2 and of level 3 maps.
const LARGE: u64 = 2 << 20;
const GIGABYTE: u64 = 1 << 30;

const TABLE: Flags = Flags::PRESENT.union(Flags::WRITABLE);
const PAGE: Flags = TABLE.union(Flags::HUGE_PAGE).union(Flags::NO_EXECUTE);

/// The table of level 3, and the first of level 2: the others are in memory that it maps.
static LEVEL_3: StaticPages<1> = StaticPages::new();
static FIRST_LEVEL_2: StaticPages<1> = StaticPages::new();

/// Returns where a frame is.
pub fn pointer<T>(frame: PhysFrame) -> *mut T {
    (BASE + frame.start_address().as_u64()).as_mut_ptr()
}

/// Maps all memory; takes frames for tables by `take`, which are below 1 GiB.
pub(super) fn map(start: &StartInfo, mut take: impl FnMut() -> PhysFrame) {
    let space = AddressSpace::of_boot(start);
    let own = |table: &StaticPages<1>| {
        let address = space.translate(table.page(0)).expect("the image is mapped");
        (table.page(0).as_mut_ptr::<u64>(), address)
    };
    let (level_3, level_3_address) = own(&LEVEL_3);
    let top = space.entry(BASE, Level::Four).expect("the boot tables are within reach");
    top.store(level_3_address.as_u64() | TABLE.bits());
    let end = start.pages() * 4096;
    for (index, base) in (0..).zip((0..end).step_by(step(GIGABYTE))) {
        let (level_2, level_2_address) = if base == 0 {
            own(&FIRST_LEVEL_2)
        } else {
            let frame = take();
            (pointer(frame), frame.start_address())
        };
        fill(level_2, base, end);
        set(level_3, index, level_2_address, TABLE);
    }
}

/// Fills a table of level 2 with the memory from `base` on.
fn fill(level_2: *mut u64, base: u64, end: u64) {
    for (index, page) in (0..512).zip((base..end).step_by(step(LARGE))) {
        set(level_2, index, PhysAddr::new(page), PAGE);
    }
}

fn set(table: *mut u64, index: usize, target: PhysAddr, flags: Flags) {
    let entry = table.wrapping_add(index);
    // SAFETY: the table is ours alone and the entry, which was not present, lies within.
    unsafe { entry.write_volatile(target.as_u64() | flags.bits()) };
}

fn step(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}
