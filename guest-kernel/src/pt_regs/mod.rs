//! What every entry of the kernel lays on the stack.
//!
//! [`Frame`] is the registers as values, which may be made, copied and kept. [`PtRegs`] is a frame in
//! its place on the stack, which handlers are given.

mod frame;
mod regs;

pub use frame::{Cause, Frame, Vector};
pub use regs::PtRegs;
