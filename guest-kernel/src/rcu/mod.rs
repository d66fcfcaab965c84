//! Read-copy update: readers that cost next to nothing, and writers that wait for them.
//!
//! A reader disables preemption and that is all. A writer puts something new in place of the old,
//! waits for a **grace period**, and then frees the old: by then each vCPU has changed tasks, or was
//! in user mode or idle, so no reader that could have seen the old is left. What tells of user mode
//! and idle is the state that entries and exits keep ([`crate::context`]): a reader in an upcall
//! that had not told RCU to watch would be overlooked. [`read_lock`] panics there.

#[cfg(target_os = "none")]
mod callbacks;
#[cfg(target_os = "none")]
mod cell;
mod grace;
// See `irq::interleavings`.
#[cfg(test)]
#[cfg(not(miri))]
mod tests;

#[cfg(target_os = "none")]
pub(crate) use callbacks::start;
#[cfg(target_os = "none")]
pub use callbacks::{call, callbacks_run, grace_periods, synchronize};
#[cfg(target_os = "none")]
pub use cell::{RcuCell, Reader, read_lock};
pub use grace::GracePeriod;
