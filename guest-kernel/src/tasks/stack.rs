//! A task's stack.
//!
//! ```text
//! low   guard page   unmapped
//!       canary       CANARY words that never change
//!       ...          the stack
//! high  top
//! ```
//!
//! An access to the guard page is a page fault whose frame would have to go to the same place, so
//! the CPU gives up and the domain crashes; the hypervisor's log has the address. The kernel itself
//! reports, by the task's name, what has not got that far: a changed canary or a stack pointer too
//! near the end, whenever the task is interrupted or switched.

use alloc::alloc::{alloc_zeroed, dealloc};
use core::{alloc::Layout, ptr::NonNull};

use x86_64::{VirtAddr, structures::paging::PageTableFlags as Flags};

use crate::{paging::AddressSpace, static_pages::PAGE_BYTES};

/// Bytes, the guard page included.
const BYTES: usize = 5 * PAGE_BYTES;

/// Words of the canary.
const CANARY_WORDS: usize = 8;

const CANARY: u64 = 0x0bad_57ac_0bad_57ac;

const LAYOUT: Layout = match Layout::from_size_align(BYTES, PAGE_BYTES) {
    Ok(layout) => layout,
    Err(_) => panic!("a stack is whole pages"),
};

const GUARDED: Flags = Flags::empty();
const MAPPED: Flags = Flags::PRESENT.union(Flags::WRITABLE).union(Flags::NO_EXECUTE);

/// A stack, from the heap.
#[derive(Debug)]
pub(super) struct Stack {
    base: NonNull<u8>,
    space: AddressSpace,
}

// SAFETY: the memory belongs to the stack and to no thread.
unsafe impl Send for Stack {}

impl Stack {
    /// Takes a stack from the heap, if it has room.
    pub(super) fn new(space: AddressSpace) -> Option<Self> {
        // SAFETY: the layout has a size.
        let base = NonNull::new(unsafe { alloc_zeroed(LAYOUT) })?;
        let stack = Self { base, space };
        // SAFETY: the words are the lowest of the new stack.
        unsafe { plant_canary(stack.low()) };
        stack.set_guard(GUARDED);
        Some(stack)
    }

    /// Returns the end of the guard page, where the stack begins.
    pub(super) fn low(&self) -> VirtAddr {
        VirtAddr::from_ptr(self.base.as_ptr()) + PAGE_BYTES as u64
    }

    /// Returns the address behind the stack.
    pub(super) fn top(&self) -> VirtAddr {
        VirtAddr::from_ptr(self.base.as_ptr()) + BYTES as u64
    }

    fn set_guard(&self, flags: Flags) {
        let guard = VirtAddr::from_ptr(self.base.as_ptr());
        // SAFETY: the page belongs to the stack, which leaves it alone.
        let result = unsafe { self.space.set_flags(guard, flags) };
        result.expect("the boot page tables map the heap by small pages");
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.set_guard(MAPPED);
        // SAFETY: `new` took it with the same layout, and nobody runs on it any more.
        unsafe { dealloc(self.base.as_ptr(), LAYOUT) }
    }
}

/// Returns the words of the canary of the stack that begins at `low`.
fn canary(low: VirtAddr) -> impl Iterator<Item = *mut u64> {
    let first: *mut u64 = low.as_mut_ptr();
    (0..CANARY_WORDS).map(move |index| first.wrapping_add(index))
}

/// Writes the canary of the stack that begins at `low`.
///
/// # Safety
///
/// The lowest words of that stack must be free.
pub(super) unsafe fn plant_canary(low: VirtAddr) {
    for word in canary(low) {
        // SAFETY: promised by the caller.
        unsafe { word.write_volatile(CANARY) };
    }
}

/// Returns whether the canary of the stack that begins at `low` is as it was made.
pub(super) fn is_canary_alive(low: VirtAddr) -> bool {
    // SAFETY: the caller's task has such a stack, which is mapped.
    canary(low).all(|word| unsafe { word.read_volatile() } == CANARY)
}
