//! Registers in their place on the stack.

use core::{
    fmt,
    ops::{Deref, DerefMut},
};

use super::Frame;

/// The registers of what was interrupted, where an entry has laid them.
///
/// They read and change like the [`Frame`] that they are. Nobody can make, copy or move one, so whoever
/// has a reference to one knows that it is an entry's.
#[doc(alias = "pt_regs")]
#[derive(Debug)]
#[repr(transparent)]
pub struct PtRegs(Frame);

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
        self.0.fmt(f)
    }
}
