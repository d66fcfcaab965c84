//! All that the hypervisor knows of one domain's events.

use super::error::Error;
use super::port::{Port, Service, Virq};
use super::record::PortRecord;
use super::shared_words::SharedWords;
use super::table::PortTable;
use crate::address::{DomId, Gpa, VcpuId, to_u64, to_usize};
use crate::guest_memory::GuestMemory;
use xenolith_abi::event_channel::NR_VIRQS;
use xenolith_abi::shared_info::{LEGACY_MAX_VCPUS, VcpuInfo};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// vCPUs that a domain can have: those with a record in the shared page.
pub const MAX_VCPUS: usize = LEGACY_MAX_VCPUS;

/// What belongs to one vCPU.
#[derive(Debug, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub(super) struct VcpuEvents {
    /// Address of its `vcpu_info`.
    pub(super) vcpu_info: u64,
    /// The port of each virtual interrupt, or 0.
    virq_ports: [u16; NR_VIRQS as usize],
    /// The port for which it polls, [`super::poll::ANY`], or 0.
    pub(super) poll: u16,
    padding: [u16; 3],
}

/// The event channels of one domain.
///
/// All zeros is a domain without vCPUs, so that the structure, which is too large for a stack, can
/// be made in zeroed memory (`EventChannels::mut_from_bytes`). [`Self::start`] comes first. The
/// records of the ports lie at its beginning.
#[derive(Debug, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct EventChannels {
    pub(super) ports: PortTable,
    vcpus: [VcpuEvents; MAX_VCPUS],
    shared_info: u64,
    vcpu_count: u32,
    domain: u16,
    /// The port of each service, or 0.
    service_ports: [u16; Service::ALL.len()],
    padding: [u16; 2],
}

impl EventChannels {
    /// Gives the channels to a domain with `vcpus` vCPUs whose shared page is at `shared_info`.
    ///
    /// # Panics
    ///
    /// When there are more than [`MAX_VCPUS`].
    pub fn start(&mut self, domain: DomId, shared_info: Gpa, vcpus: u32) {
        assert!(vcpus as usize <= MAX_VCPUS, "each vCPU has a record in the shared page");
        self.domain = domain.0;
        self.shared_info = shared_info.0;
        self.vcpu_count = vcpus;
        for (vcpu, at) in self.vcpus.iter_mut().zip((shared_info.0..).step_by(VCPU_INFO_BYTES)) {
            vcpu.vcpu_info = at;
        }
    }

    /// Returns whose channels they are.
    pub fn domain(&self) -> DomId {
        DomId(self.domain)
    }

    /// Returns the ports.
    pub fn ports(&self) -> &PortTable {
        &self.ports
    }

    /// Calls `show` with each port whose record has changed since the last call: for the copy that
    /// the resident reads, which begins as zeros.
    pub fn publish_changes(&mut self, show: impl FnMut(Port, PortRecord)) {
        self.ports.take_changes(show);
    }

    /// Returns the address of the `vcpu_info` of a vCPU.
    ///
    /// # Panics
    ///
    /// When there is no such vCPU.
    pub fn vcpu_info(&self, vcpu: VcpuId) -> Gpa {
        Gpa(self.vcpu(vcpu).vcpu_info)
    }

    /// Checks that a vCPU exists.
    ///
    /// # Errors
    ///
    /// When it does not.
    pub fn check_vcpu(&self, vcpu: VcpuId) -> Result<(), Error> {
        if vcpu.0 < self.vcpu_count { Ok(()) } else { Err(Error::NoVcpu) }
    }

    /// Returns the port of a virtual interrupt. Global ones are bound on vCPU 0.
    pub fn virq_port(&self, virq: Virq, vcpu: VcpuId) -> Option<Port> {
        let port = *self.vcpu(vcpu).virq_ports.get(index(virq.0))?;
        (port != 0).then(|| Port(u32::from(port)))
    }

    /// Returns the port of a service, unless the domain has closed it.
    pub fn service_port(&self, service: Service) -> Option<Port> {
        let port = self.service_ports[service as usize];
        (port != 0).then(|| Port(u32::from(port)))
    }

    pub(super) fn set_virq_port(&mut self, virq: Virq, vcpu: VcpuId, port: Option<Port>) {
        self.vcpu_mut(vcpu).virq_ports[index(virq.0)] = short(port);
    }

    pub(super) fn set_service_port(&mut self, service: Service, port: Option<Port>) {
        self.service_ports[service as usize] = short(port);
    }

    pub(super) fn vcpu(&self, vcpu: VcpuId) -> &VcpuEvents {
        &self.vcpus[index(vcpu.0)]
    }

    pub(super) fn vcpu_mut(&mut self, vcpu: VcpuId) -> &mut VcpuEvents {
        &mut self.vcpus[index(vcpu.0)]
    }

    /// Returns the vCPUs that there are.
    pub(super) fn vcpu_ids(&self) -> impl Iterator<Item = VcpuId> + use<> {
        (0..self.vcpu_count).map(VcpuId)
    }

    pub(super) fn words<'m, M: GuestMemory>(&self, memory: &'m mut M) -> SharedWords<'m, M> {
        SharedWords::new(memory, self.shared_page())
    }

    /// Returns where the shared page is.
    pub(super) const fn shared_page(&self) -> Gpa {
        Gpa(self.shared_info)
    }
}

const VCPU_INFO_BYTES: usize = size_of::<VcpuInfo>();
const _: () = assert!(to_u64(VCPU_INFO_BYTES) == 64);

fn index(number: u32) -> usize {
    to_usize(u64::from(number))
}

fn short(port: Option<Port>) -> u16 {
    port.map_or(0, |port| u16::try_from(port.0).expect("ports are few"))
}
