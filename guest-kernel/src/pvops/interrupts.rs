//! What holds interrupts or events off: one interface of five operations, and what implements it.
//!
//! A back end is chosen together with a world. Nothing else knows which one it is: code calls
//! `irq`, which executes sites.

pub(super) mod event_mask;
pub(super) mod processor_flag;
#[cfg(feature = "probe")]
mod virtual_flag;

use super::{Op, World, table::Entry};

/// A way to hold interrupts or events off. Each of the functions keeps to the contract of its operation,
/// called from anywhere; beside it stands an alternative (`alternative!`), which sites become.
#[derive(Clone, Copy, Debug)]
pub(super) struct BackEnd {
    /// [`Op::IrqDisable`].
    pub(super) disable: *const (),
    /// [`Op::IrqEnable`].
    pub(super) enable: *const (),
    /// [`Op::SaveFl`].
    pub(super) save: *const (),
    /// [`Op::RestoreFl`].
    pub(super) restore: *const (),
    /// [`Op::SafeHalt`].
    pub(super) halt: *const (),
}

// SAFETY: the pointers are functions' addresses, and nothing else is there.
unsafe impl Sync for BackEnd {}

impl BackEnd {
    /// The number of operations.
    pub(super) const OPERATIONS: usize = 5;

    /// Returns what the table of a world holds for the operations, in their order.
    pub(super) const fn entries(&self, world: World) -> [Entry; Self::OPERATIONS] {
        [
            Entry::new(world, Op::IrqDisable, self.disable),
            Entry::new(world, Op::IrqEnable, self.enable),
            Entry::new(world, Op::SaveFl, self.save),
            Entry::new(world, Op::RestoreFl, self.restore),
            Entry::new(world, Op::SafeHalt, self.halt),
        ]
    }
}
