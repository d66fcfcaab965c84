//! `set_timer_op`: the one-shot timer of the calling vCPU.

use xenolith_abi::hypercall;

use super::{Errno, call};
use crate::time::SystemTime;

/// Has VIRQ_TIMER raised at `deadline`, or at once if that has passed; `None` stops the timer.
///
/// # Errors
///
/// None are documented.
pub fn set(deadline: Option<SystemTime>) -> Result<(), Errno> {
    let ns = deadline.map_or(0, SystemTime::ns);
    // SAFETY: the call touches no memory.
    unsafe { call::<{ hypercall::SET_TIMER_OP }>([ns, 0, 0]) }.map(drop)
}
