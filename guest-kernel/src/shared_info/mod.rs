//! The page that the kernel and the hypervisor both write (`xen/public/xen.h`, `shared_info`).
//!
//! This is the one module that reaches it, and the records of vCPUs wherever they are. Every word
//! is an atomic: the other side changes it at any time. There is no reference to the page as a
//! structure, only addresses of its fields.

mod place;
#[cfg(test)]
mod tests;
mod vcpu;

use core::{
    mem::offset_of,
    sync::atomic::{AtomicU32, AtomicU64},
};

use spin::Once;
use x86_64::{PhysAddr, VirtAddr, structures::paging::PageTableFlags as Flags};
use xenolith_abi::shared_info::{LEGACY_MAX_VCPUS, SharedInfo as Layout};

use crate::{StartInfo, paging::AddressSpace, static_pages::StaticPages, vcpu::VcpuId};

#[cfg(target_os = "none")]
pub(crate) use place::RECORDS;
pub use place::relocate;
pub use vcpu::{TimeWords, VcpuWords};

/// The page of the image that is mapped to the shared page; its own frame is given up for it.
static PLACE: StaticPages<1> = StaticPages::new();

/// Words of 64 ports in each bitmap.
pub const BITMAP_WORDS: usize = 64;

/// Set once the place is mapped.
static MAPPED: Once<SharedInfo> = Once::new();

/// The mapped shared page.
#[derive(Clone, Copy, Debug)]
pub struct SharedInfo(());

/// Maps the shared page of the boot contract.
pub(crate) fn map(start: &StartInfo) {
    MAPPED.call_once(|| {
        map_place(start, start.shared_info());
        SharedInfo(())
    });
}

/// Returns the page of the image that is, or is mapped to, the shared page.
pub(crate) fn place() -> VirtAddr {
    PLACE.page(0)
}

/// Takes the page of the image itself for the shared page: nobody shares it.
pub(crate) fn adopt() {
    MAPPED.call_once(|| SharedInfo(()));
}

fn map_place(start: &StartInfo, frame: PhysAddr) {
    let flags = Flags::PRESENT | Flags::WRITABLE;
    // SAFETY: the place is reserved for this mapping; nothing has touched its old frame.
    unsafe { AddressSpace::of_boot(start).map(PLACE.page(0), frame, flags) }
        .expect("the boot page tables map the whole image");
}

/// Returns the shared page.
///
/// # Panics
///
/// Before the kernel's main function, while the page is not mapped.
pub fn shared_info() -> SharedInfo {
    *MAPPED.get().expect("entry maps the shared page before main")
}

/// Returns the address `offset` bytes into the page.
const fn field<T>(offset: usize) -> *mut T {
    PLACE.as_ptr().wrapping_add(offset).cast()
}

impl SharedInfo {
    /// Returns where the page is mapped.
    pub fn address(self) -> VirtAddr {
        PLACE.page(0)
    }

    /// Returns the words that one vCPU has in the page, whether or not it uses them.
    ///
    /// # Panics
    ///
    /// If the page has no words for such a vCPU.
    pub fn vcpu(self, index: usize) -> VcpuWords {
        assert!(index < LEGACY_MAX_VCPUS, "vCPU {index} has no words in the shared page");
        place::in_page(index)
    }

    /// Returns a word of the bitmap of pending ports.
    ///
    /// # Panics
    ///
    /// If there is no such word.
    pub fn pending(self, word: usize) -> &'static AtomicU64 {
        pending_word(word)
    }

    /// Returns a word of the bitmap of masked ports.
    ///
    /// # Panics
    ///
    /// If there is no such word.
    pub fn mask(self, word: usize) -> &'static AtomicU64 {
        mask_word(word)
    }

    /// Returns the words that say when system time began.
    pub fn wall_clock(self) -> WallClockWords {
        WallClockWords {
            version: word_u32(offset_of!(Layout, wc_version)),
            seconds: word_u32(offset_of!(Layout, wc_sec)),
            seconds_high: word_u32(offset_of!(Layout, wc_sec_hi)),
            nanoseconds: word_u32(offset_of!(Layout, wc_nsec)),
        }
    }
}

/// Returns the words that a vCPU uses now: in the shared page, or where they were moved.
#[inline]
pub fn of_vcpu(vcpu: VcpuId) -> VcpuWords {
    place::of_vcpu(vcpu)
}

/// The words that say when system time began (`wc_version`, `wc_sec`, `wc_nsec`, `wc_sec_hi`).
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "described where they are laid out")]
pub struct WallClockWords {
    pub version: &'static AtomicU32,
    pub seconds: &'static AtomicU32,
    pub seconds_high: &'static AtomicU32,
    pub nanoseconds: &'static AtomicU32,
}

/// Returns a word of the bitmap of pending ports.
pub(crate) fn pending_word(word: usize) -> &'static AtomicU64 {
    bitmap_word(offset_of!(Layout, evtchn_pending), word)
}

/// Returns a word of the bitmap of masked ports.
pub(crate) fn mask_word(word: usize) -> &'static AtomicU64 {
    bitmap_word(offset_of!(Layout, evtchn_mask), word)
}

/// Returns a word of the bitmap that starts at `offset`.
fn bitmap_word(offset: usize, word: usize) -> &'static AtomicU64 {
    assert!(word < BITMAP_WORDS, "the bitmaps have no word {word}");
    // SAFETY: the word is inside the page's place, where everything is accessed as atomics.
    unsafe { AtomicU64::from_ptr(field(offset + word * size_of::<u64>())) }
}

/// Returns the 32-bit word at `offset`.
fn word_u32(offset: usize) -> &'static AtomicU32 {
    assert!(offset + size_of::<u32>() <= size_of::<Layout>(), "inside the page");
    // SAFETY: as for `bitmap_word`.
    unsafe { AtomicU32::from_ptr(field(offset)) }
}
