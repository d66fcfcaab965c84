//! Fills a layout with everything but page tables and start_info.

use super::frame_range::{FrameRange, frame_address};
use super::guest_frames::{GuestFrames, append};
use super::image::GuestImage;
use super::layout::Layout;
use super::mapping::ENTRIES;
use crate::address::{Gpa, PAGE_SIZE};
use xenolith_abi::hypercall::{PAGE_STUB_BYTES, PAGE_STUBS};

/// Returns the code of the stub for a hypercall number.
pub type HypercallStub = fn(number: u32) -> [u8; PAGE_STUB_BYTES];

/// Loads the kernel: each segment, and zeros in every other byte of the image's pages.
pub(super) fn kernel(image: &GuestImage<'_>, layout: &Layout, memory: &mut impl GuestFrames) {
    let pages = layout.image.kernel;
    let mut written = pages.gpa();
    for segment in &image.segments {
        zero_between(written, segment.start, memory);
        written = append(memory, segment.start, segment.data);
    }
    zero_between(written, end_of(pages), memory);
}

/// Loads the ramdisk, with zeros up to the end of its last page.
pub(super) fn ramdisk(bytes: &[u8], layout: &Layout, memory: &mut impl GuestFrames) {
    let pages = layout.ramdisk;
    if pages.count != 0 {
        let written = append(memory, pages.gpa(), bytes);
        zero_between(written, end_of(pages), memory);
    }
}

/// Fills the page of hypercall stubs.
pub(super) fn hypercall_page(page: Gpa, stub: HypercallStub, memory: &mut impl GuestFrames) {
    (0..).take(PAGE_STUBS).fold(page, |address, number| append(memory, address, &stub(number)));
}

/// Writes the list of the domain's frames: frame numbers are guest-physical, so each is its index.
pub(super) fn frame_list(layout: &Layout, memory: &mut impl GuestFrames) {
    let list = layout.p2m.list;
    let frames = layout.memory_pages;
    memory.write_words(
        list.gpa(),
        list.count * ENTRIES,
        |index| {
            if index < frames { index } else { 0 }
        },
    );
}

/// Clears the pages that begin empty: the rings and the boot stack.
pub(super) fn blank_pages(layout: &Layout, memory: &mut impl GuestFrames) {
    for page in [layout.xenstore, layout.console, layout.boot_stack] {
        memory.zero(frame_address(page), PAGE_SIZE);
    }
}

fn zero_between(start: Gpa, end: Gpa, memory: &mut impl GuestFrames) {
    if start < end {
        memory.zero(start, end.0 - start.0);
    }
}

fn end_of(pages: FrameRange) -> Gpa {
    Gpa(pages.gpa().0 + pages.bytes())
}
