//! Does what a domain builder does: moves the ramdisk, writes the list of frames, start_info and
//! the page tables.
//!
//! Runs under the boot page tables, which map memory at its physical addresses. Whatever the loader
//! told has been copied; only the module is still where it has put it, and is moved first.

use core::{fmt, ops::Range, ptr};

use x86_64::{
    PhysAddr, registers::control::Cr3, structures::paging::PageTableFlags as Flags,
    structures::paging::PhysFrame,
};
use xenolith_core::memory_map::TooManyRegions;
use zerocopy::FromZeros;

use super::{REACHABLE, layout::Layout, loader::Boot};
use crate::{
    StartInfo,
    abi::start_info,
    entry,
    paging::{BOOT_MAP, Level},
    shared_info,
    static_pages::PAGE_BYTES,
};

const PAGE: u64 = PAGE_BYTES as u64;

/// Why the kernel cannot be started here.
#[derive(Clone, Copy, Debug)]
pub(super) enum BuildError {
    /// The memory map does not have the memory that the image was loaded to.
    NoMemory,
    /// There is too little memory behind the image.
    NoRoom,
    /// The module is out of reach.
    FarModule,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoMemory => "the memory map does not show the memory under the kernel",
            Self::NoRoom => "there is too little memory behind the kernel",
            Self::FarModule => "the module lies above 4 GiB",
        })
    }
}

impl From<TooManyRegions> for BuildError {
    fn from(TooManyRegions: TooManyRegions) -> Self {
        Self::NoMemory
    }
}

/// Builds all of it and changes to the new page tables; returns `start_info`.
///
/// # Errors
///
/// If there is no room.
///
/// # Safety
///
/// The boot page tables must be in use, and nothing else the memory behind the image.
pub(super) unsafe fn build(boot: &Boot) -> Result<&'static StartInfo, BuildError> {
    let image = entry::image();
    let image_end = image.end - BOOT_MAP;
    let memory_end = memory_end(boot, image.start - BOOT_MAP..image_end)?;
    let module = boot.module.map_or(0..0, |module| module.start.0..module.end.0);
    if module.end > REACHABLE.as_u64() {
        return Err(BuildError::FarModule);
    }
    let pages = memory_end / PAGE;
    let layout =
        Layout::new(image_end, module.end - module.start, pages).ok_or(BuildError::NoRoom)?;
    // SAFETY: the ramdisk's place is RAM behind the image; the caller promises that it is free.
    unsafe { copy(&module, layout.ramdisk.start) };
    for at in layout.ramdisk.end..layout.frames.start {
        // SAFETY: likewise, up to the end of its last page.
        unsafe { write(at, 0_u8) };
    }
    for (frame, at) in (0..pages).zip(layout.frames.clone().step_by(8)) {
        // SAFETY: likewise, the list's.
        unsafe { write(at, frame) };
    }
    // SAFETY: likewise, the page's.
    unsafe { write(layout.start_info, start_info(boot, &layout, pages)) };
    // SAFETY: likewise, the tables'.
    unsafe { write_tables(&layout) };
    // SAFETY: the new tables map the image as the boot tables do.
    unsafe { change_tables(layout.tables.start) };
    // SAFETY: the page was filled, is mapped there, and is not written again.
    Ok(unsafe { StartInfo::from_ptr((BOOT_MAP + layout.start_info).as_ptr()) })
}

/// Returns the end of the memory that begins with or before the image.
fn memory_end(boot: &Boot, image: Range<u64>) -> Result<u64, BuildError> {
    let usable = boot.memory.usable()?;
    let mut around = usable.iter().filter(|it| it.start.0 <= image.start && image.end <= it.end.0);
    around.next().map(|it| it.end.0).ok_or(BuildError::NoMemory)
}

/// Returns what the start_info page says.
fn start_info(boot: &Boot, layout: &Layout, pages: u64) -> start_info::StartInfo {
    let virt = |at: u64| (BOOT_MAP + at).as_u64();
    let mut page = start_info::StartInfo::new_zeroed();
    page.magic[..boot.protocol.len()].copy_from_slice(boot.protocol.as_bytes());
    page.cmd_line[..boot.command_line.len()].copy_from_slice(boot.command_line.as_bytes());
    page.nr_pages = pages;
    page.shared_info = shared_info::place() - BOOT_MAP;
    page.pt_base = virt(layout.tables.start);
    page.nr_pt_frames = (layout.tables.end - layout.tables.start) / PAGE;
    page.mfn_list = virt(layout.frames.start);
    if !layout.ramdisk.is_empty() {
        page.mod_start = virt(layout.ramdisk.start);
        // Whole pages, as domain builders count.
        page.mod_len = layout.frames.start - layout.ramdisk.start;
    }
    page
}

/// Returns where the boot page tables map an address.
fn pointer<T>(at: u64) -> *mut T {
    ptr::with_exposed_provenance_mut(usize::try_from(at).unwrap_or(usize::MAX))
}

/// # Safety
///
/// `at` must be free memory below [`REACHABLE`], aligned for a `T`.
unsafe fn write<T>(at: u64, value: T) {
    // SAFETY: promised by the caller.
    unsafe { pointer::<T>(at).write(value) }
}

/// Copies a range of memory, which may overlap its new place.
///
/// # Safety
///
/// Both must be memory below [`REACHABLE`], and the new place be free but for the old one.
unsafe fn copy(from: &Range<u64>, to: u64) {
    let bytes = usize::try_from(from.end - from.start).unwrap_or(0);
    // SAFETY: promised by the caller.
    unsafe { ptr::copy(pointer::<u8>(from.start), pointer::<u8>(to), bytes) }
}

/// Writes tables that map memory from 0 at [`BOOT_MAP`], all of it writable and executable for now:
/// `entry::image` gives each part its access.
///
/// # Safety
///
/// The tables' place must be free memory below [`REACHABLE`].
unsafe fn write_tables(layout: &Layout) {
    let page_flags = Flags::PRESENT | Flags::WRITABLE | Flags::ACCESSED;
    // Whether a page is a user's is said by its last entry only.
    let table_flags = page_flags | Flags::USER_ACCESSIBLE;
    let [level_4, level_3, level_2, level_1] = [0, 1, 2, 3].map(|n| layout.tables.start + n * PAGE);
    for word in layout.tables.clone().step_by(8) {
        // SAFETY: promised by the caller.
        unsafe { write(word, 0_u64) };
    }
    let slot = |level| u64::from(BOOT_MAP.page_table_index(level)) * 8;
    let tables = (layout.tables.end - level_1) / PAGE;
    let upper = [(level_4 + slot(Level::Four), level_3), (level_3 + slot(Level::Three), level_2)];
    let middle = (0..tables).map(|n| (level_2 + n * 8, level_1 + n * PAGE));
    // Tables of level 1 lie one behind the other, and so do their entries.
    let pages = (0..layout.mapped / PAGE).map(|page| (level_1 + page * 8, page * PAGE));
    let tables = upper.into_iter().chain(middle).map(|entry| (entry, table_flags));
    for ((at, target), flags) in tables.chain(pages.map(|entry| (entry, page_flags))) {
        // SAFETY: the entry is in one of the tables.
        unsafe { write(at, target | flags.bits()) };
    }
}

/// # Safety
///
/// The tables at `root` must map the image, with the stack in use, where it is now.
unsafe fn change_tables(root: u64) {
    let (_, flags) = Cr3::read();
    // SAFETY: promised by the caller.
    unsafe { Cr3::write(PhysFrame::containing_address(PhysAddr::new(root)), flags) };
}
