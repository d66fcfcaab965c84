//! A function that can be exchanged while others call it.

use core::{
    marker::PhantomData,
    mem::transmute_copy,
    ptr::null_mut,
    sync::atomic::{
        AtomicPtr,
        Ordering::{Acquire, Relaxed, Release},
    },
};

/// A place for a function of pointer type `F`, or for none.
#[derive(Debug)]
pub(crate) struct AtomicFn<F>(AtomicPtr<()>, PhantomData<F>);

impl<F: Copy + Send + 'static> AtomicFn<F> {
    const IS_POINTER: () = assert!(size_of::<F>() == size_of::<*mut ()>());

    /// Returns an empty place.
    pub(crate) const fn empty() -> Self {
        Self(AtomicPtr::new(null_mut()), PhantomData)
    }

    /// Puts a function there, or none.
    pub(crate) fn store(&self, function: Option<F>) {
        const { Self::IS_POINTER }
        let pointer = function.map_or(null_mut(), |function| {
            // SAFETY: `F` is as large as a pointer and `Copy`, and any pointer may hold its bits.
            unsafe { transmute_copy(&function) }
        });
        self.0.store(pointer, Release);
    }

    /// Returns whether there is a function.
    #[expect(clippy::inline_always, reason = "entry code asks")]
    #[inline(always)]
    pub(crate) fn is_set(&self) -> bool {
        !self.0.load(Relaxed).is_null()
    }

    /// Returns the function.
    pub(crate) fn load(&self) -> Option<F> {
        let pointer = self.0.load(Acquire);
        if pointer.is_null() {
            return None;
        }
        // SAFETY: only `store` writes the pointer, from an `F` of the same size.
        Some(unsafe { transmute_copy(&pointer) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_what_is_called() {
        let place: AtomicFn<fn(u32) -> u32> = AtomicFn::empty();
        assert!(place.load().is_none());
        place.store(Some(|x| x + 1));
        assert_eq!(place.load().map(|f| f(2)), Some(3));
        place.store(Some(|x| x * 5));
        assert_eq!(place.load().map(|f| f(2)), Some(10));
        place.store(None);
        assert!(place.load().is_none());
    }
}
