//! Gives each part of the kernel's image the access it needs and no more.
//!
//! The boot page tables map everything writable and executable (`docs/abi.md`); the page tables
//! are the kernel's own to change.

use core::ops::Range;

use x86_64::{VirtAddr, structures::paging::PageTableFlags as Flags};

use super::{irq_stack, stack};
use crate::{StartInfo, native::segments, paging::AddressSpace, static_pages::PAGE_BYTES};

unsafe extern "C" {
    // Addresses from link.ld; there is nothing behind the names but the address.
    static image_text_start: u8;
    static image_text_end: u8;
    static image_ro_after_boot_end: u8;
    static image_end: u8;
}

/// Returns where the kernel's image is, rounded to pages.
pub fn image() -> Range<VirtAddr> {
    VirtAddr::from_ptr(&raw const image_text_start)..VirtAddr::from_ptr(&raw const image_end)
}

/// Makes text and what is written at boot only read-only, all but text not executable, and unmaps
/// the guard pages of the stacks.
pub(crate) fn protect(start: &StartInfo) {
    let space = AddressSpace::of_boot(start);
    let text = (&raw const image_text_start, &raw const image_text_end);
    let data = (&raw const image_ro_after_boot_end, &raw const image_end);
    apply(&space, text.0..text.1, Flags::PRESENT);
    apply(&space, text.1..data.0, Flags::PRESENT | Flags::NO_EXECUTE);
    apply(&space, data.0..data.1, Flags::PRESENT | Flags::WRITABLE | Flags::NO_EXECUTE);
    let guards = [stack::BOOT.page(0), irq_stack::STACK.page(0)];
    for guard in guards.into_iter().chain(segments::guards()) {
        apply_page(&space, guard, Flags::empty());
    }
}

fn apply(space: &AddressSpace, range: Range<*const u8>, flags: Flags) {
    let range = VirtAddr::from_ptr(range.start)..VirtAddr::from_ptr(range.end);
    for page in (range.start.as_u64()..range.end.as_u64()).step_by(PAGE_BYTES) {
        apply_page(space, VirtAddr::new(page), flags);
    }
}

fn apply_page(space: &AddressSpace, page: VirtAddr, flags: Flags) {
    // SAFETY: the page keeps its frame and the access its part of the image is linked for; the
    // guard pages are below the stacks and nobody's memory.
    unsafe { space.set_flags(page, flags) }.expect("the boot page tables map the whole image");
}
