//! What the hypervisor knows of a vCPU, apart from its registers.

use crate::address::{Gpa, Gva, VcpuId};
use crate::event_channel::PollFor;
use crate::hole::Hole;
use crate::runstate::Runstate;
use crate::steps::Steps;
use crate::timer::Timers;

/// An entry point that a guest registered, and whether it wants events masked there.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Callback {
    /// Where it is; 0 for nowhere.
    pub address: u64,
    /// Whether entering it masks events.
    pub masks_events: bool,
}

/// What a guest asked for about ports (`physdev_op`); nothing follows from it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct PortRights {
    /// The I/O privilege level, 0 to 3.
    pub level: u32,
    /// Where the bitmap of the processes' ports is.
    pub bitmap: Gva,
    /// How many ports it has.
    pub ports: u32,
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
    /// Whether the guest has moved its `vcpu_info`, which it may do once.
    pub info_registered: bool,
    /// Its timers.
    pub timers: Timers,
    /// How long it was in which state.
    pub runstate: Runstate,
    /// Where the guest wants a copy of that.
    pub runstate_area: Option<Gva>,
    /// Where the guest wants a second time record.
    pub time_area: Option<Gva>,
    /// The ports for which it polls, after [`crate::hypercall::Outcome::Poll`].
    pub polls_for: Option<PollFor>,
    /// What it asked for about ports.
    pub port_rights: PortRights,
    /// Its instructions until an event.
    pub steps: Steps,
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
            info_registered: false,
            timers: Timers::new(),
            runstate: Runstate::new(),
            runstate_area: None,
            time_area: None,
            polls_for: None,
            port_rights: PortRights { level: 0, bitmap: Gva(0), ports: 0 },
            steps: Steps::new(),
        }
    }
}
