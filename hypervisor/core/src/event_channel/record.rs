//! What a port is bound to, as a value and as the record in the table.

use super::port::{End, Port, Service, Virq};
use crate::address::{DomId, VcpuId};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// What a port is bound to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Binding {
    /// Nothing: the port is not in use.
    Free,
    /// Nothing yet: an operation is about to bind it. To guests it looks free.
    Reserved,
    /// It waits for a connection from this domain.
    Unbound(DomId),
    /// It is connected to this port.
    Interdomain(End),
    /// It is connected to the hypervisor itself.
    Service(Service),
    /// It tells of a virtual interrupt.
    Virq(Virq),
    /// It tells of what the domain sends to itself.
    Ipi,
}

/// A port in the table. All zeros is a free port.
///
/// The layout is fixed: the resident reads a copy of the table.
///
/// ```text
/// byte 0  kind: 0 free, 1 unbound, 2 interdomain, 4 virq, 5 ipi (as EVTCHNSTAT_*),
///               0x80 reserved, 0x82 service
///      1  virtual interrupt
///      2  vCPU that is notified (u16)
///      4  other domain (u16)
///      6  other port, or the number of the service (u16)
/// ```
#[derive(
    Clone, Copy, Debug, Default, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable,
)]
#[repr(C)]
pub struct PortRecord {
    kind: u8,
    virq: u8,
    vcpu: u16,
    remote_domain: u16,
    remote_port: u16,
}

const _: () = assert!(size_of::<PortRecord>() == 8);

const FREE: u8 = 0;
const UNBOUND: u8 = 1;
const INTERDOMAIN: u8 = 2;
const VIRQ: u8 = 4;
const IPI: u8 = 5;
const RESERVED: u8 = 0x80;
const SERVICE: u8 = 0x82;

impl PortRecord {
    /// Makes the record of a port that is bound so and notifies `vcpu`.
    ///
    /// # Panics
    ///
    /// When a number in it has not been checked.
    #[inline]
    pub fn new(binding: Binding, vcpu: VcpuId) -> Self {
        let vcpu = u16::try_from(vcpu.0).expect("vCPUs are few");
        let this = Self { vcpu, ..Self::default() };
        match binding {
            Binding::Free => Self::default(),
            Binding::Reserved => Self { kind: RESERVED, ..this },
            Binding::Unbound(domain) => Self { kind: UNBOUND, remote_domain: domain.0, ..this },
            Binding::Interdomain(end) => Self { kind: INTERDOMAIN, ..this }.with_end(end),
            Binding::Service(service) => Self { kind: SERVICE, ..this }.with_end(service.end()),
            Binding::Virq(Virq(number)) => {
                Self { kind: VIRQ, virq: u8::try_from(number).expect("few interrupts"), ..this }
            }
            Binding::Ipi => Self { kind: IPI, ..this },
        }
    }

    fn with_end(self, end: End) -> Self {
        let remote_port = u16::try_from(end.port.0).expect("ports are few");
        Self { remote_domain: end.domain.0, remote_port, ..self }
    }

    /// Returns what the port is bound to.
    #[inline]
    pub fn binding(self) -> Binding {
        let end =
            End { domain: DomId(self.remote_domain), port: Port(u32::from(self.remote_port)) };
        match self.kind {
            RESERVED => Binding::Reserved,
            UNBOUND => Binding::Unbound(end.domain),
            INTERDOMAIN => Binding::Interdomain(end),
            SERVICE => Service::ALL
                .into_iter()
                .find(|service| service.end() == end)
                .map_or(Binding::Free, Binding::Service),
            VIRQ => Binding::Virq(Virq(u32::from(self.virq))),
            IPI => Binding::Ipi,
            _ => Binding::Free,
        }
    }

    /// Returns the vCPU that the port notifies.
    pub fn vcpu(self) -> VcpuId {
        VcpuId(u32::from(self.vcpu))
    }

    /// Returns whether events can arrive at the port.
    pub fn is_in_use(self) -> bool {
        !matches!(self.kind, FREE | RESERVED)
    }
}
