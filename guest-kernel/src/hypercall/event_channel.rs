//! `event_channel_op`: making, using and closing the channels that events come through.

use core::mem::offset_of;

use xenolith_abi::{event_channel as abi, hypercall};

use super::{Errno, address_of, call};
use crate::{events::Port, vcpu::VcpuId};

/// A domain by its number; [`SELF`](xenolith_abi::domain::SELF) is the caller's.
pub type DomainId = u16;

/// A virtual interrupt (`VIRQ_*` in `abi::event_channel`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Virq(pub u32);

/// Makes sub-call `command` with an argument it reads, fills or both.
///
/// # Safety
///
/// `argument` must be of the type that `command` takes.
unsafe fn operate<T>(command: u32, argument: &mut T) -> Result<(), Errno> {
    let address = address_of(&raw mut *argument);
    // SAFETY: the call writes nothing but the argument and the words shared with the hypervisor,
    // by the caller's promise of its type.
    unsafe { call::<{ hypercall::EVENT_CHANNEL_OP }>([command.into(), address, 0]) }.map(drop)
}

/// Defines one sub-call: its argument from parameters, and the field that is its answer.
macro_rules! operation {
    (
        $(#[$doc:meta])*
        $name:ident($($parameter:ident: $type:ty),*) = $command:ident $argument:expr;
    ) => {
        $(#[$doc])*
        pub fn $name($($parameter: $type),*) -> Result<(), Errno> {
            let mut argument = $argument;
            // SAFETY: the sub-call takes this argument.
            unsafe { operate(abi::$command, &mut argument) }
        }
    };
    (
        $(#[$doc:meta])*
        $name:ident($($parameter:ident: $type:ty),*) -> $answer:ident = $command:ident $argument:expr;
    ) => {
        $(#[$doc])*
        pub fn $name($($parameter: $type),*) -> Result<Port, Errno> {
            let mut argument = $argument;
            // SAFETY: the sub-call takes this argument.
            unsafe { operate(abi::$command, &mut argument) }?;
            Ok(Port(argument.$answer))
        }
    };
}

operation! {
    /// Returns a new port of `domain` to which `remote` may connect (`EVTCHNOP_alloc_unbound`).
    ///
    /// # Errors
    ///
    /// `ENOSPC` without a free port; `ESRCH` or `EPERM` for a domain that is none of the caller's.
    alloc_unbound(domain: DomainId, remote: DomainId) -> port =
        ALLOC_UNBOUND abi::AllocUnbound { dom: domain, remote_dom: remote, port: 0 };
}
operation! {
    /// Connects to a port of another domain; returns the local end (`EVTCHNOP_bind_interdomain`).
    ///
    /// # Errors
    ///
    /// `EINVAL` if that port does not wait for us; `ESRCH` without such a domain.
    bind_interdomain(remote: DomainId, remote_port: Port) -> local_port =
        BIND_INTERDOMAIN abi::BindInterdomain {
            remote_dom: remote, padding: 0, remote_port: remote_port.0, local_port: 0,
        };
}
operation! {
    /// Returns a new port for a virtual interrupt of a vCPU (`EVTCHNOP_bind_virq`).
    ///
    /// # Errors
    ///
    /// `EEXIST` if it has a port, `EINVAL` if there is no such interrupt, `ENOENT` no such vCPU.
    bind_virq(virq: Virq, vcpu: VcpuId) -> port =
        BIND_VIRQ abi::BindVirq { virq: virq.0, vcpu: vcpu.number(), port: 0 };
}
operation! {
    /// Returns a new port by which the domain notifies one of its vCPUs (`EVTCHNOP_bind_ipi`).
    ///
    /// # Errors
    ///
    /// `ENOENT` without such a vCPU, `ENOSPC` without a free port.
    bind_ipi(vcpu: VcpuId) -> port = BIND_IPI abi::BindIpi { vcpu: vcpu.number(), port: 0 };
}
operation! {
    /// Binds a port to a physical interrupt (`EVTCHNOP_bind_pirq`).
    ///
    /// # Errors
    ///
    /// `EINVAL` or `EPERM` without access to it.
    bind_pirq(interrupt: u32, flags: u32) -> port =
        BIND_PIRQ abi::BindPirq { pirq: interrupt, flags, port: 0 };
}
operation! {
    /// Closes a port (`EVTCHNOP_close`).
    ///
    /// # Errors
    ///
    /// `EINVAL` if it is not open.
    close(port: Port) = CLOSE abi::Close { port: port.0 };
}
operation! {
    /// Sends an event to the other end of a port (`EVTCHNOP_send`).
    ///
    /// # Errors
    ///
    /// `EINVAL` for a port that is not open, or is a virtual interrupt's.
    send(port: Port) = SEND abi::Send { port: port.0 };
}
operation! {
    /// Has a port notify another vCPU from now on (`EVTCHNOP_bind_vcpu`).
    ///
    /// # Errors
    ///
    /// `EINVAL` for a port that belongs to a vCPU, `ENOENT` without such a vCPU.
    bind_vcpu(port: Port, vcpu: VcpuId) =
        BIND_VCPU abi::BindVcpu { port: port.0, vcpu: vcpu.number() };
}
operation! {
    /// Takes the mask off a port, whichever vCPU it notifies (`EVTCHNOP_unmask`).
    ///
    /// # Errors
    ///
    /// `EINVAL` if it is not open.
    unmask(port: Port) = UNMASK abi::Unmask { port: port.0 };
}
operation! {
    /// Closes all ports of a domain (`EVTCHNOP_reset`).
    ///
    /// # Errors
    ///
    /// `EPERM` for a domain that is not the caller's.
    reset(domain: DomainId) = RESET abi::Reset { dom: domain };
}
operation! {
    /// Adds a page to the array of FIFO events (`EVTCHNOP_expand_array`).
    ///
    /// # Errors
    ///
    /// `ENOSYS` where there are only two-level events.
    expand_array(frame: u64) = EXPAND_ARRAY abi::ExpandArray { array_gfn: frame };
}
operation! {
    /// Sets the FIFO priority of a port (`EVTCHNOP_set_priority`).
    ///
    /// # Errors
    ///
    /// `ENOSYS` where there are only two-level events.
    set_priority(port: Port, priority: u32) =
        SET_PRIORITY abi::SetPriority { port: port.0, priority };
}

/// Changes a vCPU over to FIFO events (`EVTCHNOP_init_control`).
///
/// # Errors
///
/// `ENOSYS` where there are only two-level events.
///
/// # Safety
///
/// The hypervisor owns the control block from then on.
pub unsafe fn init_control(vcpu: VcpuId, frame: u64, offset: u32) -> Result<(), Errno> {
    let vcpu = vcpu.number();
    let mut argument =
        abi::InitControl { control_gfn: frame, offset, vcpu, link_bits: 0, pad: [0; 7] };
    // SAFETY: the sub-call takes this argument; the block is the hypervisor's by the caller's word.
    unsafe { operate(abi::INIT_CONTROL, &mut argument) }
}

/// What a port is connected to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Connection {
    /// Nothing: the port is free.
    Closed,
    /// Nothing yet; this domain may connect.
    Unbound(DomainId),
    /// A port of a domain.
    Interdomain(DomainId, Port),
    /// A physical interrupt.
    PhysicalInterrupt(u32),
    /// A virtual interrupt.
    Virtual(Virq),
    /// The domain itself.
    Ipi,
    /// Something that this library does not know.
    Unknown(u32),
}

/// What `EVTCHNOP_status` tells about a port.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Status {
    /// What the port is connected to.
    pub connection: Connection,
    /// The number of the vCPU that it notifies.
    pub vcpu: u32,
}

/// Describes a port of a domain (`EVTCHNOP_status`).
///
/// # Errors
///
/// `EINVAL` for a number that is no port, `EPERM` for a domain that is not the caller's.
pub fn status(domain: DomainId, port: Port) -> Result<Status, Errno> {
    let mut argument =
        abi::Status { dom: domain, padding: 0, port: port.0, status: 0, vcpu: 0, detail: [0; 2] };
    // SAFETY: the sub-call takes this argument.
    unsafe { operate(abi::STATUS, &mut argument) }?;
    Ok(Status { connection: Connection::of(&argument), vcpu: argument.vcpu })
}

// The domain of either state is the first half-word of the detail.
const _: () = assert!(offset_of!(abi::StatusUnbound, dom) == 0);
const _: () = assert!(offset_of!(abi::StatusInterdomain, dom) == 0);

impl Connection {
    fn of(status: &abi::Status) -> Self {
        let [first, second] = status.detail;
        let [low, high, ..] = first.to_le_bytes();
        let domain = DomainId::from_le_bytes([low, high]);
        match status.status {
            abi::STATUS_CLOSED => Self::Closed,
            abi::STATUS_UNBOUND => Self::Unbound(domain),
            abi::STATUS_INTERDOMAIN => Self::Interdomain(domain, Port(second)),
            abi::STATUS_PIRQ => Self::PhysicalInterrupt(first),
            abi::STATUS_VIRQ => Self::Virtual(Virq(first)),
            abi::STATUS_IPI => Self::Ipi,
            unknown => Self::Unknown(unknown),
        }
    }
}
