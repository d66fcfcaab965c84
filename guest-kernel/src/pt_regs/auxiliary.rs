//! What an entry keeps beside the registers.
//!
//! All of it is cells, because it is reached by a shared reference: the registers beside it are being
//! changed at the same time. All zeros, which the entry pushes, is a valid value.

use core::cell::Cell;

use crate::context::{IrqState, NmiState};

/// What an entry keeps beside the registers.
#[doc(alias = "pt_regs_auxiliary")]
#[derive(Debug, Default)]
#[repr(C)]
pub struct Auxiliary {
    /// What the entries of every architecture keep.
    pub entry: EntryState,
}

/// What an entry has found, for its exit. Only the entry itself sets it.
#[derive(Debug, Default)]
#[repr(C, align(16))]
pub struct EntryState {
    irq: Cell<IrqState>,
    nmi: Cell<NmiState>,
    preemptible_call: Cell<bool>,
}

impl EntryState {
    /// Returns what an entry other than a non-maskable interrupt's has found.
    #[inline(always)]
    pub fn irq(&self) -> IrqState {
        self.irq.get()
    }

    /// Returns what the entry of a non-maskable interrupt has found.
    #[inline(always)]
    pub fn nmi(&self) -> NmiState {
        self.nmi.get()
    }

    /// Returns whether the entry is an upcall that has cut a preemptible hypercall.
    #[inline(always)]
    pub fn has_cut_call(&self) -> bool {
        self.preemptible_call.get()
    }

    #[inline(always)]
    pub(crate) fn set_irq(&self, state: IrqState) {
        self.irq.set(state);
    }

    #[inline(always)]
    pub(crate) fn set_nmi(&self, state: NmiState) {
        self.nmi.set(state);
    }

    #[inline(always)]
    pub(crate) fn set_cut_call(&self, has_cut: bool) {
        self.preemptible_call.set(has_cut);
    }
}
