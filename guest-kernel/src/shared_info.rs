//! The page that the kernel and the hypervisor both write (`xen/public/xen.h`, `shared_info`).
//!
//! This is the one module that reaches it. Every word is an atomic: the other side changes it at
//! any time. There is no reference to the page as a structure, only addresses of its fields.

use core::{
    mem::offset_of,
    sync::atomic::{AtomicU8, AtomicU64},
};

use spin::Once;
use x86_64::{PhysAddr, VirtAddr, structures::paging::PageTableFlags as Flags};
use xenolith_abi::shared_info::{LEGACY_MAX_VCPUS, SharedInfo as Layout, VcpuInfo};

use crate::{StartInfo, paging::AddressSpace, static_pages::StaticPages};

/// The page of the image that is mapped to the shared page; its own frame is given up for it.
static PLACE: StaticPages<1> = StaticPages::new();

/// Words of 64 ports in each bitmap.
const BITMAP_WORDS: usize = 64;

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
fn field<T>(offset: usize) -> *mut T {
    PLACE.as_ptr().wrapping_add(offset).cast()
}

impl SharedInfo {
    /// Returns where the page is mapped.
    pub fn address(self) -> VirtAddr {
        PLACE.page(0)
    }

    /// Returns the words of one vCPU.
    ///
    /// # Panics
    ///
    /// If the page has no words for such a vCPU.
    pub fn vcpu(self, index: usize) -> VcpuWords {
        assert!(index < LEGACY_MAX_VCPUS, "vCPU {index} has no words in the shared page");
        VcpuWords { offset: offset_of!(Layout, vcpu_info) + index * size_of::<VcpuInfo>() }
    }

    /// Returns a word of the bitmap of pending ports.
    ///
    /// # Panics
    ///
    /// If there is no such word.
    pub fn pending(self, word: usize) -> &'static AtomicU64 {
        bitmap_word(offset_of!(Layout, evtchn_pending), word)
    }

    /// Returns a word of the bitmap of masked ports.
    ///
    /// # Panics
    ///
    /// If there is no such word.
    pub fn mask(self, word: usize) -> &'static AtomicU64 {
        bitmap_word(offset_of!(Layout, evtchn_mask), word)
    }
}

/// Returns a word of the bitmap that starts at `offset`.
fn bitmap_word(offset: usize, word: usize) -> &'static AtomicU64 {
    assert!(word < BITMAP_WORDS, "the bitmaps have no word {word}");
    // SAFETY: the word is inside the mapped page, where everything is accessed as atomics.
    unsafe { AtomicU64::from_ptr(field(offset + word * size_of::<u64>())) }
}

/// The words of one vCPU in the shared page (`vcpu_info`).
#[derive(Clone, Copy, Debug)]
pub struct VcpuWords {
    offset: usize,
}

impl VcpuWords {
    /// Returns the byte that says whether an upcall is due.
    pub fn upcall_pending(self) -> &'static AtomicU8 {
        let offset = self.offset + offset_of!(VcpuInfo, evtchn_upcall_pending);
        // SAFETY: the field is inside the mapped page, where everything is accessed as atomics.
        unsafe { AtomicU8::from_ptr(field(offset)) }
    }

    /// Returns the byte that holds upcalls off.
    pub fn upcall_mask(self) -> &'static AtomicU8 {
        let offset = self.offset + offset_of!(VcpuInfo, evtchn_upcall_mask);
        // SAFETY: as for `upcall_pending`.
        unsafe { AtomicU8::from_ptr(field(offset)) }
    }

    /// Returns the word that says which words of the bitmap to look at.
    pub fn pending_selector(self) -> &'static AtomicU64 {
        let offset = self.offset + offset_of!(VcpuInfo, evtchn_pending_sel);
        // SAFETY: as for `upcall_pending`.
        unsafe { AtomicU64::from_ptr(field(offset)) }
    }
}
