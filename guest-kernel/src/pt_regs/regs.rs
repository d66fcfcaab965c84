//! Registers in their place on the stack.

use core::{
    fmt,
    mem::offset_of,
    ops::{Deref, DerefMut},
    ptr,
};

use super::{Auxiliary, Frame};

/// The registers of what was interrupted, where an entry has laid them.
///
/// They read and change like the [`Frame`] that they are. Nobody can make, copy or move one, so whoever
/// has a reference to one knows that the entry's [`Auxiliary`] lies below it.
#[doc(alias = "pt_regs")]
#[derive(Debug)]
#[repr(transparent)]
pub struct PtRegs(Frame);

/// All that an entry lays out: it pushes the registers, and then zeros.
#[doc(alias = "pt_regs_extended")]
#[derive(Debug)]
#[repr(C)]
pub struct ExtendedPtRegs {
    auxiliary: Auxiliary,
    regs: PtRegs,
}

// The entries push two words, which leave the stack as aligned as it was, and nothing lies behind the
// registers that the way out would have to remove.
const _: () = assert!(offset_of!(ExtendedPtRegs, auxiliary) == 0);
const _: () = assert!(ExtendedPtRegs::AUXILIARY_BYTES == 2 * 8);
const _: () =
    assert!(size_of::<ExtendedPtRegs>() == ExtendedPtRegs::AUXILIARY_BYTES + size_of::<Frame>());

impl ExtendedPtRegs {
    /// The bytes below the registers.
    pub const AUXILIARY_BYTES: usize = offset_of!(Self, regs);

    /// Returns what an entry lays out for these registers.
    #[cfg(test)]
    pub(super) fn of(frame: Frame) -> Self {
        Self { auxiliary: Auxiliary::default(), regs: PtRegs(frame) }
    }

    /// Returns the registers as a handler gets them.
    #[cfg(test)]
    pub(super) fn regs(&mut self) -> &mut PtRegs {
        let whole = ptr::from_mut(self).expose_provenance();
        let regs = ptr::with_exposed_provenance_mut::<PtRegs>(whole + Self::AUXILIARY_BYTES);
        // SAFETY: they are borrowed with the whole.
        unsafe { &mut *regs }
    }
}

impl PtRegs {
    /// Returns what the entry keeps beside these registers.
    #[inline(always)]
    pub fn auxiliary(&self) -> &Auxiliary {
        // It cannot wrap around; in entry code the check would be a way to a panic.
        let at = ptr::from_ref(self).addr().wrapping_sub(ExtendedPtRegs::AUXILIARY_BYTES);
        // SAFETY: whatever has this type is part of an `ExtendedPtRegs` on the stack, laid out by the
        // assembly of an entry, which knows the whole; it is there as long as the registers are. The
        // auxiliary state is cells, and nobody reaches it but by this function.
        unsafe { &*ptr::with_exposed_provenance(at) }
    }
}

impl Deref for PtRegs {
    type Target = Frame;

    #[inline(always)]
    fn deref(&self) -> &Frame {
        &self.0
    }
}

impl DerefMut for PtRegs {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut Frame {
        &mut self.0
    }
}

impl fmt::Display for PtRegs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)?;
        self.auxiliary().arch.pkrs().map_or(Ok(()), |pkrs| write!(f, "\npkrs {pkrs}"))
    }
}
