//! Events on their way to a vCPU.

use super::channels::EventChannels;
use super::error::Error;
use super::notify::{Notify, VcpuSet};
use super::port::{Port, Service, Virq};
use super::shared_words::{Raised, is_deliverable};
use crate::address::{Gpa, VcpuId};
use crate::guest_memory::GuestMemory;
use core::mem::offset_of;
use xenolith_abi::shared_info::VcpuInfo;

impl EventChannels {
    /// Sets an event at `port`, for the vCPU that it notifies. A port not in use drops it.
    pub fn set_pending<M: GuestMemory>(&mut self, memory: &mut M, port: Port) -> Notify {
        match self.ports.record(port) {
            Ok(record) if record.is_in_use() => self.raise(memory, port, record.vcpu()),
            _ => Notify::Nobody,
        }
    }

    /// Raises a virtual interrupt; a global one whatever the vCPU is. One without a port is lost.
    pub fn raise_virq<M: GuestMemory>(
        &mut self,
        memory: &mut M,
        virq: Virq,
        vcpu: VcpuId,
    ) -> Notify {
        let bound_on = if virq.is_global() { VcpuId(0) } else { vcpu };
        match self.virq_port(virq, bound_on) {
            Some(port) => self.set_pending(memory, port),
            None => Notify::Nobody,
        }
    }

    /// Sets an event at the port of a service, unless the domain has closed it.
    pub fn raise_service<M: GuestMemory>(&mut self, memory: &mut M, service: Service) -> Notify {
        match self.service_port(service) {
            Some(port) => self.set_pending(memory, port),
            None => Notify::Nobody,
        }
    }

    /// Unmasks `port` (`EVTCHNOP_unmask`). For a free one that exists there is nothing to do.
    ///
    /// # Errors
    ///
    /// When no such port exists.
    pub fn unmask<M: GuestMemory>(&mut self, memory: &mut M, port: Port) -> Result<Notify, Error> {
        let record = self.ports.record(port)?;
        let vcpu = record.vcpu();
        let info = self.vcpu_info(vcpu);
        if !record.is_in_use() || !self.words(memory).unmask(port, info) {
            return Ok(Notify::Nobody);
        }
        Ok(self.wake(vcpu))
    }

    /// Returns whether one of `ports` has an event; those behind it are not looked at.
    ///
    /// # Errors
    ///
    /// When the first that has none is not in use: no event would ever come.
    #[doc(alias = "evtchn_port_poll")]
    pub fn is_any_pending<M: GuestMemory>(&self, memory: &M, ports: &[u32]) -> Result<bool, Error> {
        // Many ports share a word, which is looked up once.
        let (mut last, mut word) = (None, 0);
        for port in ports.iter().copied().map(Port) {
            if !self.ports.record(port)?.is_in_use() {
                return Err(Error::Invalid);
            }
            if last != Some(port.word()) {
                last = Some(port.word());
                word = memory.read_word(port.pending_at(self.shared_page())).unwrap_or(0);
            }
            if word & port.bit() != 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns whether an upcall to `vcpu` is pending and allowed.
    pub fn has_deliverable<M: GuestMemory>(&self, memory: &M, vcpu: VcpuId) -> bool {
        memory.read_word(self.vcpu_info(vcpu)).is_some_and(is_deliverable)
    }

    /// Allows upcalls to `vcpu`, which is about to block.
    ///
    /// To lose none, [`Self::has_deliverable`] is asked after the vCPU counts as blocked.
    pub fn allow_upcalls<M: GuestMemory>(&mut self, memory: &mut M, vcpu: VcpuId) {
        let info = self.vcpu_info(vcpu);
        self.words(memory).allow_upcalls(info);
    }

    /// Moves the `vcpu_info` of `vcpu` to `to`, which the caller has checked: a multiple of 8,
    /// writable, within one page. Returns `None`, with nothing changed, where there is no memory.
    ///
    /// Lest an event be lost, every word is selected and an upcall made pending.
    #[doc(alias = "VCPUOP_register_vcpu_info")]
    pub fn move_vcpu_info<M: GuestMemory>(
        &mut self,
        memory: &mut M,
        vcpu: VcpuId,
        to: Gpa,
    ) -> Option<Notify> {
        const SELECTOR: usize = offset_of!(VcpuInfo, evtchn_pending_sel);
        let mut bytes = [0; size_of::<VcpuInfo>()];
        if !memory.read(self.vcpu_info(vcpu), &mut bytes) || !memory.write(to, &bytes) {
            return None;
        }
        self.vcpu_mut(vcpu).vcpu_info = to.0;
        memory.fetch_or(Gpa(to.0 + crate::address::to_u64(SELECTOR)), u64::MAX)?;
        Some(if self.words(memory).mark(to) { self.wake(vcpu) } else { Notify::Nobody })
    }

    /// Sets an event at `port` for `vcpu`, and ends the polls that wait for it.
    fn raise<M: GuestMemory>(&mut self, memory: &mut M, port: Port, vcpu: VcpuId) -> Notify {
        let info = self.vcpu_info(vcpu);
        let raised = self.words(memory).set_pending(port, info);
        if raised == Raised::AlreadyPending {
            return Notify::Nobody;
        }
        let mut woken = self.end_polls_for(port);
        if raised == Raised::Upcall {
            self.end_poll(vcpu);
            woken = woken.with(vcpu);
        }
        Notify::vcpus(self.domain(), woken)
    }

    /// Wakes `vcpu`, which ends its poll.
    fn wake(&mut self, vcpu: VcpuId) -> Notify {
        self.end_poll(vcpu);
        Notify::vcpus(self.domain(), VcpuSet::EMPTY.with(vcpu))
    }
}
