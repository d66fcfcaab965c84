//! The frames of this kernel.

use core::{
    ops::Range,
    slice,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use x86_64::{PhysAddr, structures::paging::PhysFrame};

use super::{
    FrameTable,
    physical_map::{self, pointer},
};
use crate::{StartInfo, irq::EventsOffLock, paging::BOOT_MAP, static_pages::PAGE_BYTES};

static FRAMES: EventsOffLock<Option<FrameTable<'static>>> = EventsOffLock::new(None);

static IS_INSTALLED: AtomicBool = AtomicBool::new(false);

/// Maps all memory and takes over what is free, once; later calls do nothing.
///
/// # Panics
///
/// If the kernel's memory ends above 1 GiB.
pub fn install(start: &StartInfo) {
    if IS_INSTALLED.swap(true, Relaxed) {
        return;
    }
    let mut free = free_frames_of_boot(start);
    let mut take = |frames: u64| {
        let first = free.start;
        free.start += frames;
        assert!(free.start <= free.end.min(1 << 18), "the kernel's memory ends below 1 GiB");
        first
    };
    physical_map::map(start, || frame_of(take(1)));
    let words = start.pages() - take(0);
    // The table has a word for its own frames too, which stay in use by being before the first.
    let table_frames = (words * 4).div_ceil(PAGE_BYTES as u64);
    let table = pointer::<u32>(frame_of(take(table_frames)));
    let count = usize::try_from(free.end.saturating_sub(free.start)).unwrap_or(0);
    // SAFETY: these frames are nobody else's from now on, mapped for good, and large enough.
    unsafe { table.write_bytes(0, count) };
    // SAFETY: likewise, and the words are initialized.
    let words = unsafe { slice::from_raw_parts_mut(table, count) };
    *FRAMES.lock() = Some(FrameTable::new(words, free.start));
}

/// Returns the frames behind the boot stack, which nobody uses; it is the page behind the tables.
fn free_frames_of_boot(start: &StartInfo) -> Range<u64> {
    let first = (start.page_tables().end - BOOT_MAP) / PAGE_BYTES as u64 + 1;
    first..start.pages()
}

fn frame_of(number: u64) -> PhysFrame {
    PhysFrame::containing_address(PhysAddr::new(number * PAGE_BYTES as u64))
}

fn number_of(frame: PhysFrame) -> u64 {
    frame.start_address().as_u64() / PAGE_BYTES as u64
}

fn with<T>(action: impl FnOnce(&mut FrameTable<'static>) -> T) -> T {
    action(FRAMES.lock().as_mut().expect("memory is installed"))
}

/// Takes a frame, whatever it holds.
pub fn allocate() -> Option<PhysFrame> {
    with(FrameTable::allocate).map(frame_of)
}

/// Takes a frame of zeros.
pub fn allocate_zeroed() -> Option<PhysFrame> {
    let frame = allocate()?;
    // SAFETY: the frame is the caller's to be.
    unsafe { pointer::<u8>(frame).write_bytes(0, PAGE_BYTES) };
    Some(frame)
}

/// Adds a user of a frame.
pub fn share(frame: PhysFrame) {
    with(|frames| frames.share(number_of(frame)));
}

/// Returns how many users a frame has.
pub fn sharers(frame: PhysFrame) -> u32 {
    with(|frames| frames.sharers(number_of(frame)))
}

/// Takes one user of a frame away; behind the last one it is free.
pub fn release(frame: PhysFrame) {
    with(|frames| frames.release(number_of(frame)));
}

/// Returns how many frames are free; before [`install`], none.
pub fn free_frames() -> usize {
    FRAMES.lock().as_ref().map_or(0, FrameTable::free)
}
