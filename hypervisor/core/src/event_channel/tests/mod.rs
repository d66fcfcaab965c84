//! Domains with channels and memory, for the tests of their parts.

mod delivery;
mod model;
mod operations;
mod table;

use super::*;
use crate::address::{DomId, Gpa, VcpuId};
use crate::guest_memory::{GuestMemory, TestMemory};
use std::collections::BTreeMap;
use zerocopy::FromZeros;

/// Where each domain has its shared page.
pub(crate) const SHARED_INFO: Gpa = Gpa(0x5000);

pub(super) const ONE: DomId = DomId(1);
pub(super) const TWO: DomId = DomId(2);
pub(super) const NOBODY: DomId = DomId(9);
pub(super) const SELF: DomId = DomId(xenolith_abi::domain::SELF);
pub(super) const CPU_0: VcpuId = VcpuId(0);
pub(super) const CPU_1: VcpuId = VcpuId(1);

/// Channels of a domain with two vCPUs, and memory of a shared page and one page more.
pub(crate) fn channels(domain: DomId) -> (Box<EventChannels>, TestMemory) {
    let mut channels = Box::new(EventChannels::new_zeroed());
    channels.start(domain, SHARED_INFO, 2);
    (channels, TestMemory::default().with_pages(5, 2, true))
}

/// Domains 1 and 2, and what was to be notified.
#[derive(Debug)]
pub(super) struct TestDomains {
    pub(super) domains: BTreeMap<u16, (Box<EventChannels>, TestMemory)>,
}

impl TestDomains {
    pub(super) fn new() -> Self {
        Self { domains: [ONE, TWO].map(|domain| (domain.0, channels(domain))).into() }
    }

    /// Returns one of the domains that exist.
    pub(super) fn of(&mut self, domain: DomId) -> (&mut EventChannels, &mut TestMemory) {
        let (channels, memory) = self.domains.get_mut(&domain.0).unwrap();
        (channels, memory)
    }

    pub(super) fn binding(&mut self, domain: DomId, port: Port) -> Binding {
        self.of(domain).0.ports().record(port).unwrap().binding()
    }

    /// Returns whether the bit of a port is set, in use or not.
    pub(super) fn is_pending(&mut self, domain: DomId, port: Port) -> bool {
        let (channels, memory) = self.of(domain);
        channels.words(memory).is_pending(port)
    }

    /// Fills the ports of a domain.
    pub(super) fn fill(&mut self, domain: DomId) {
        while self.of(domain).0.alloc_unbound(NOBODY).is_ok() {}
    }
}

impl Domains for TestDomains {
    type SharedMemory = TestMemory;

    fn with_channels<R>(
        &mut self,
        domain: DomId,
        action: impl FnOnce(&mut EventChannels, &mut TestMemory) -> R,
    ) -> Option<R> {
        let (channels, memory) = self.domains.get_mut(&domain.0)?;
        Some(action(channels, memory))
    }

    fn channels(&self, domain: DomId) -> Option<&EventChannels> {
        self.domains.get(&domain.0).map(|(channels, _)| &**channels)
    }

    fn notify(&mut self, _: Notify) {
        unreachable!("operations return what is to be notified");
    }
}

/// Returns a word of memory.
pub(super) fn word(memory: &TestMemory, at: Gpa) -> u64 {
    memory.read_word(at).unwrap()
}

pub(super) fn vcpus<const N: usize>(domain: DomId, vcpus: [VcpuId; N]) -> Notify {
    Notify::vcpus(domain, vcpus.into_iter().fold(VcpuSet::EMPTY, VcpuSet::with))
}
