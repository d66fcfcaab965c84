//! vCPUs that sleep until certain ports have events (`SCHEDOP_poll`).

use super::channels::EventChannels;
use super::notify::VcpuSet;
use super::port::Port;
use crate::address::VcpuId;

/// Stands for every port.
pub(super) const ANY: u16 = u16::MAX;

/// What ends a poll.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PollFor {
    /// An event at any port: the poll is for several, and who polls looks again.
    Any,
    /// An event at this port.
    Port(Port),
}

impl EventChannels {
    /// Notes that `vcpu` is about to sleep until an event comes, masked or not.
    ///
    /// To lose none, the ports are looked at after this.
    pub fn begin_poll(&mut self, vcpu: VcpuId, what: PollFor) {
        self.vcpu_mut(vcpu).poll = match what {
            PollFor::Port(port) => u16::try_from(port.0).unwrap_or(ANY),
            PollFor::Any => ANY,
        };
    }

    /// Notes that `vcpu` no longer polls, whatever woke it.
    pub fn end_poll(&mut self, vcpu: VcpuId) {
        self.vcpu_mut(vcpu).poll = 0;
    }

    /// Returns whether `vcpu` polls.
    pub fn is_polling(&self, vcpu: VcpuId) -> bool {
        self.vcpu(vcpu).poll != 0
    }

    /// Ends the polls that wait for `port`, and returns whose they were.
    pub(super) fn end_polls_for(&mut self, port: Port) -> VcpuSet {
        let mut woken = VcpuSet::EMPTY;
        for vcpu in self.vcpu_ids() {
            let poll = self.vcpu(vcpu).poll;
            if poll == ANY || (poll != 0 && u32::from(poll) == port.0) {
                self.end_poll(vcpu);
                woken = woken.with(vcpu);
            }
        }
        woken
    }
}
