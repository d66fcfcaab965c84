//! What every entry of the kernel lays on the stack: the registers of what was interrupted, and below
//! them what the entry keeps for itself.
//!
//! ```text
//! low    Auxiliary   the entry's own state   reached by `PtRegs::auxiliary`, and by nothing else
//! high   PtRegs      a Frame                 what handlers are given
//! ```
//!
//! [`Frame`] is the registers as values, which may be made, copied and kept. [`PtRegs`] is a frame in
//! its place on the stack, which handlers are given. Code that handles registers does not know what
//! lies below them, so what entries keep can grow without anybody noticing.

mod auxiliary;
mod frame;
mod regs;
#[cfg(test)]
mod tests;

pub use auxiliary::{ArchState, Auxiliary, EntryState};
pub use frame::{Cause, Frame, Vector};
pub use regs::{ExtendedPtRegs, PtRegs};
