//! What is to be done with a vCPU after its hypercall.

use super::Args;
use crate::guest_access::Fault;
use crate::shutdown::ShutdownReason;
use xenolith_abi::errno::EFAULT;

/// What is to be done with the vCPU that made the call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// Put the value into rax and go on behind the instruction.
    Return(i64),
    /// Write the argument registers back and leave rip on the instruction: there is more to do.
    Continue(Args),
    /// Write the argument registers back, -EAGAIN into rax, and go on behind the instruction: there
    /// is more to do, and the caller wants to know.
    Again(Args),
    /// [`Self::Continue`] or [`Self::Again`], after what an entry of a list asked for.
    Pause(Pause, Then),
    /// Make the `iret` hypercall, which is the resident's.
    Iret,
    /// Return 0, after others had a chance to run.
    Yield,
    /// Return 0 once an upcall is pending. Upcalls are allowed, and none was pending.
    Block,
    /// Return 0 once a port that the vCPU polls for ([`VcpuState::polls_for`](crate::vcpu::VcpuState::polls_for)) has an event, an
    /// upcall is pending and allowed, or the time has come.
    Poll {
        /// System time in nanoseconds, later than now; `None` for no limit.
        deadline_ns: Option<u64>,
    },
    /// End the domain.
    Shutdown(ShutdownReason),
}

/// What a vCPU waits for before it goes on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Pause {
    /// As [`Outcome::Yield`].
    Yield,
    /// As [`Outcome::Block`].
    Block,
    /// As [`Outcome::Poll`].
    Poll {
        /// System time in nanoseconds; `None` for no limit.
        deadline_ns: Option<u64>,
    },
}

/// How a vCPU goes on after a [`Pause`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Then {
    /// As [`Outcome::Continue`].
    Continue(Args),
    /// As [`Outcome::Again`].
    Again(Args),
}

impl Outcome {
    /// Tells the caller that there is more to do, where the call would have been restarted.
    pub(super) const fn without_restart(&mut self) {
        match *self {
            Self::Continue(args) => *self = Self::Again(args),
            Self::Pause(pause, Then::Continue(args)) => {
                *self = Self::Pause(pause, Then::Again(args));
            }
            _ => {}
        }
    }
}

impl From<Fault> for Outcome {
    fn from(_: Fault) -> Self {
        Self::Return(-EFAULT)
    }
}
