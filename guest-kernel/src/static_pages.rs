//! Memory that is part of the image but that Rust holds no references into.
//!
//! Stacks, the heap, pages whose mapping changes, pages the hypervisor writes: all of them are
//! reached by raw pointers only, so that nothing is assumed about what they hold.

use core::cell::UnsafeCell;

use x86_64::VirtAddr;

/// Bytes in a page.
pub const PAGE_BYTES: usize = 4096;

/// `N` page-aligned pages of zeroed memory.
#[derive(Debug)]
#[repr(C, align(4096))]
pub struct StaticPages<const N: usize>(UnsafeCell<[[u8; PAGE_BYTES]; N]>);

// SAFETY: the type hands out addresses only; whoever dereferences them answers for it.
unsafe impl<const N: usize> Sync for StaticPages<N> {}

impl<const N: usize> StaticPages<N> {
    /// Returns zeroed pages, for a `static`.
    #[expect(clippy::new_without_default, reason = "only ever a static's initializer")]
    pub const fn new() -> Self {
        Self(UnsafeCell::new([[0; PAGE_BYTES]; N]))
    }

    /// Returns a pointer to the first byte.
    pub const fn as_ptr(&self) -> *mut u8 {
        self.0.get().cast()
    }

    /// Returns the address of page `index`.
    ///
    /// # Panics
    ///
    /// If there is no such page.
    pub fn page(&self, index: usize) -> VirtAddr {
        assert!(index < N, "page {index} of {N}");
        VirtAddr::from_ptr(self.as_ptr().wrapping_add(index * PAGE_BYTES))
    }

    /// Returns the size in bytes.
    pub const fn bytes(&self) -> usize {
        N * PAGE_BYTES
    }
}
