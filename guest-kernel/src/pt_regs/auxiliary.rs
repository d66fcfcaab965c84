//! What an entry keeps beside the registers.
//!
//! All of it is cells, because it is reached by a shared reference: the registers beside it are being
//! changed at the same time. All zeros, which the entry pushes, is a valid value.

use core::cell::Cell;

use crate::{
    context::{IrqState, NmiState},
    protection_keys::Pkrs,
};

/// What an entry keeps beside the registers.
#[doc(alias = "pt_regs_auxiliary")]
#[derive(Debug, Default)]
#[repr(C)]
pub struct Auxiliary {
    /// What the entries of every architecture keep.
    pub entry: EntryState,
    /// What those of this architecture keep.
    pub arch: ArchState,
}

/// What an entry has found, for its exit. Only the entry itself sets it.
#[derive(Debug, Default)]
#[repr(C, align(8))]
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

/// State of the processor that a handler does not share with what it interrupts.
#[derive(Debug, Default)]
#[repr(C, align(8))]
pub struct ArchState {
    pkrs: Cell<u32>,
    has_pkrs: Cell<bool>,
}

impl ArchState {
    /// Returns what was interrupted may do with pages of each protection key; `None` where there are no
    /// keys, and for system calls.
    #[inline(always)]
    pub fn pkrs(&self) -> Option<Pkrs> {
        self.has_pkrs.get().then(|| Pkrs::of_bits(self.pkrs.get()))
    }

    /// Sets what that may do from the end of the entry on; nothing where there are no keys.
    pub fn set_pkrs(&self, value: Pkrs) {
        if self.has_pkrs.get() {
            self.pkrs.set(value.bits());
        }
    }

    /// Keeps what was interrupted may do.
    #[inline(always)]
    pub(crate) fn save_pkrs(&self, value: Pkrs) {
        self.pkrs.set(value.bits());
        self.has_pkrs.set(true);
    }
}
