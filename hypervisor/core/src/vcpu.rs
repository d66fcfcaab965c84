//! What the hypervisor knows of a vCPU, apart from its registers.

use crate::address::{Gpa, VcpuId};
use crate::hole::Hole;

/// An entry point that a guest registered, and whether it wants events masked there.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Callback {
    /// Where it is; 0 for nowhere.
    pub address: u64,
    /// Whether entering it masks events.
    pub masks_events: bool,
}

/// The state of one vCPU.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VcpuState {
    /// Its number.
    pub id: VcpuId,
    /// Where its `vcpu_info` is.
    pub vcpu_info: Gpa,
    /// Entry for events.
    pub event: Callback,
    /// Entry for failures to reload segments, which VMX does not have: it is never called.
    pub failsafe: Callback,
    /// Entry for system calls.
    pub syscall: Callback,
    /// Exceptions that the guest handles itself, a bit per vector below 32.
    pub handled: u32,
}

impl VcpuState {
    /// Makes a vCPU that handles nothing yet.
    pub const fn new(id: VcpuId, hole: &Hole) -> Self {
        const NONE: Callback = Callback { address: 0, masks_events: false };
        Self {
            id,
            vcpu_info: hole.shared_info(),
            event: NONE,
            failsafe: NONE,
            syscall: NONE,
            handled: 0,
        }
    }
}
