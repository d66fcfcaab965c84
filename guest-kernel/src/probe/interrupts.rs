//! What sites become on bare hardware and on trial, as code that scenarios can put elsewhere: into
//! a process, for which no kernel is patched.

use core::slice;

use x86_64::VirtAddr;

use crate::pvops::{self, Alternative, Op, World};

/// A back end of the operations on interrupts whose code is the same everywhere.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BackEnd {
    /// The processor's IF.
    ProcessorFlag,
    /// The virtual flag of CR4.PVI.
    VirtualFlag,
}

impl BackEnd {
    /// Returns the instructions of an operation on interrupts.
    ///
    /// # Panics
    ///
    /// If it is another operation.
    pub fn code(self, op: Op) -> &'static [u8] {
        let is_mine = |it: &&Alternative| match self {
            Self::ProcessorFlag => it.is_of(World::Native),
            Self::VirtualFlag => it.is_on_trial(),
        };
        let mut all = pvops::alternatives().iter().filter(is_mine);
        let found = all.find(|it| it.op() == Some(op)).expect("a back end has the operation");
        let start = VirtAddr::new(found.address).as_ptr();
        // SAFETY: the kernel's own records say that there are so many bytes of instructions.
        unsafe { slice::from_raw_parts(start, found.length.into()) }
    }
}
