//! The sub-operations of `event_channel_op`, and the virtual interrupts.
//!
//! Source: `xen/event_channel.h`, `xen/xen.h`. A port is a `u32`.

use core::mem::offset_of;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Connects to a port of another domain; takes a [`BindInterdomain`].
#[doc(alias = "EVTCHNOP_bind_interdomain")]
pub const BIND_INTERDOMAIN: u32 = 0;

/// Binds a port to a virtual interrupt; takes a [`BindVirq`].
#[doc(alias = "EVTCHNOP_bind_virq")]
pub const BIND_VIRQ: u32 = 1;

/// Binds a port to a physical interrupt; takes a [`BindPirq`].
#[doc(alias = "EVTCHNOP_bind_pirq")]
pub const BIND_PIRQ: u32 = 2;

/// Closes a port; takes a [`Close`].
#[doc(alias = "EVTCHNOP_close")]
pub const CLOSE: u32 = 3;

/// Sends an event; takes a [`Send`].
#[doc(alias = "EVTCHNOP_send")]
pub const SEND: u32 = 4;

/// Describes a port; takes a [`Status`].
#[doc(alias = "EVTCHNOP_status")]
pub const STATUS: u32 = 5;

/// Allocates a port to which a domain may connect; takes an [`AllocUnbound`].
#[doc(alias = "EVTCHNOP_alloc_unbound")]
pub const ALLOC_UNBOUND: u32 = 6;

/// Binds a port to events within the domain; takes a [`BindIpi`].
#[doc(alias = "EVTCHNOP_bind_ipi")]
pub const BIND_IPI: u32 = 7;

/// Chooses the vCPU that a port notifies; takes a [`BindVcpu`].
#[doc(alias = "EVTCHNOP_bind_vcpu")]
pub const BIND_VCPU: u32 = 8;

/// Unmasks a port, and delivers what waits; takes an [`Unmask`].
#[doc(alias = "EVTCHNOP_unmask")]
pub const UNMASK: u32 = 9;

/// Closes all ports; takes a [`Reset`].
#[doc(alias = "EVTCHNOP_reset")]
pub const RESET: u32 = 10;

/// Sets up the FIFO form of delivery; takes an [`InitControl`].
#[doc(alias = "EVTCHNOP_init_control")]
pub const INIT_CONTROL: u32 = 11;

/// Adds a page to the FIFO event array; takes an [`ExpandArray`].
#[doc(alias = "EVTCHNOP_expand_array")]
pub const EXPAND_ARRAY: u32 = 12;

/// Sets a port's FIFO priority; takes a [`SetPriority`].
#[doc(alias = "EVTCHNOP_set_priority")]
pub const SET_PRIORITY: u32 = 13;

/// Ports of the two-level form of delivery.
#[doc(alias = "EVTCHN_2L_NR_CHANNELS")]
pub const NR_CHANNELS_2L: u32 = 4096;

/// Flag of [`BindPirq`]: the interrupt may be shared.
#[doc(alias = "BIND_PIRQ__WILL_SHARE")]
pub const BIND_PIRQ_WILL_SHARE: u32 = 1;

/// The port is not in use.
#[doc(alias = "EVTCHNSTAT_closed")]
pub const STATUS_CLOSED: u32 = 0;

/// The port waits for a connection.
#[doc(alias = "EVTCHNSTAT_unbound")]
pub const STATUS_UNBOUND: u32 = 1;

/// The port is connected.
#[doc(alias = "EVTCHNSTAT_interdomain")]
pub const STATUS_INTERDOMAIN: u32 = 2;

/// The port is bound to a physical interrupt.
#[doc(alias = "EVTCHNSTAT_pirq")]
pub const STATUS_PIRQ: u32 = 3;

/// The port is bound to a virtual interrupt.
#[doc(alias = "EVTCHNSTAT_virq")]
pub const STATUS_VIRQ: u32 = 4;

/// The port is bound to events within the domain.
#[doc(alias = "EVTCHNSTAT_ipi")]
pub const STATUS_IPI: u32 = 5;

/// Per vCPU: the timer expired.
pub const VIRQ_TIMER: u32 = 0;

/// Per vCPU: the guest shall print its state.
pub const VIRQ_DEBUG: u32 = 1;

/// Global: input arrived at the hypervisor's console.
pub const VIRQ_CONSOLE: u32 = 2;

/// Global: something happened to some domain.
pub const VIRQ_DOM_EXC: u32 = 3;

/// Global: the trace buffer has records.
pub const VIRQ_TBUF: u32 = 4;

/// Global: a domain stopped for its debugger.
pub const VIRQ_DEBUGGER: u32 = 6;

/// Per vCPU: the profiler has a sample.
pub const VIRQ_XENOPROF: u32 = 7;

/// Global: output arrived in the hypervisor's console ring.
pub const VIRQ_CON_RING: u32 = 8;

/// Global: a physical CPU changed its state.
pub const VIRQ_PCPU_STATE: u32 = 9;

/// Global: a memory event happened.
pub const VIRQ_MEM_EVENT: u32 = 10;

/// Global: a message arrived.
pub const VIRQ_ARGO: u32 = 11;

/// Global: the hypervisor runs out of memory.
pub const VIRQ_ENOMEM: u32 = 12;

/// Per vCPU: a performance counter overflowed.
pub const VIRQ_XENPMU: u32 = 13;

/// The first architecture-specific interrupt.
pub const VIRQ_ARCH_0: u32 = 16;

/// The last architecture-specific interrupt.
pub const VIRQ_ARCH_7: u32 = 23;

/// Virtual interrupts, used or not.
pub const NR_VIRQS: u32 = 24;

/// Argument of [`ALLOC_UNBOUND`].
#[doc(alias = "evtchn_alloc_unbound")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct AllocUnbound {
    /// The domain that gets the port.
    pub dom: u16,
    /// The domain that may connect.
    pub remote_dom: u16,
    /// Out: the port.
    pub port: u32,
}
const _: () = assert!(size_of::<AllocUnbound>() == 8);
const _: () = assert!(offset_of!(AllocUnbound, remote_dom) == 2);
const _: () = assert!(offset_of!(AllocUnbound, port) == 4);

/// Argument of [`BIND_INTERDOMAIN`].
#[doc(alias = "evtchn_bind_interdomain")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct BindInterdomain {
    /// The other domain.
    pub remote_dom: u16,
    /// Padding.
    pub padding: u16,
    /// Its port.
    pub remote_port: u32,
    /// Out: the caller's port.
    pub local_port: u32,
}
const _: () = assert!(size_of::<BindInterdomain>() == 12);
const _: () = assert!(offset_of!(BindInterdomain, remote_port) == 4);
const _: () = assert!(offset_of!(BindInterdomain, local_port) == 8);

/// Argument of [`BIND_VIRQ`].
#[doc(alias = "evtchn_bind_virq")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct BindVirq {
    /// The virtual interrupt.
    pub virq: u32,
    /// The vCPU.
    pub vcpu: u32,
    /// Out: the port.
    pub port: u32,
}
const _: () = assert!(size_of::<BindVirq>() == 12);
const _: () = assert!(offset_of!(BindVirq, vcpu) == 4);
const _: () = assert!(offset_of!(BindVirq, port) == 8);

/// Argument of [`BIND_PIRQ`].
#[doc(alias = "evtchn_bind_pirq")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct BindPirq {
    /// The physical interrupt.
    pub pirq: u32,
    /// Zero or [`BIND_PIRQ_WILL_SHARE`].
    pub flags: u32,
    /// Out: the port.
    pub port: u32,
}
const _: () = assert!(size_of::<BindPirq>() == 12);
const _: () = assert!(offset_of!(BindPirq, flags) == 4);
const _: () = assert!(offset_of!(BindPirq, port) == 8);

/// Argument of [`BIND_IPI`].
#[doc(alias = "evtchn_bind_ipi")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct BindIpi {
    /// The vCPU that is notified.
    pub vcpu: u32,
    /// Out: the port.
    pub port: u32,
}
const _: () = assert!(size_of::<BindIpi>() == 8);
const _: () = assert!(offset_of!(BindIpi, port) == 4);

/// Argument of [`CLOSE`].
#[doc(alias = "evtchn_close")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Close {
    /// The port.
    pub port: u32,
}
const _: () = assert!(size_of::<Close>() == 4);

/// Argument of [`SEND`].
#[doc(alias = "evtchn_send")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Send {
    /// The port.
    pub port: u32,
}
const _: () = assert!(size_of::<Send>() == 4);

/// Argument of [`STATUS`].
#[doc(alias = "evtchn_status")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Status {
    /// The domain.
    pub dom: u16,
    /// Padding.
    pub padding: u16,
    /// Its port.
    pub port: u32,
    /// Out: one of the `STATUS_*` states.
    pub status: u32,
    /// Out: the vCPU that is notified.
    pub vcpu: u32,
    /// Out: a [`StatusUnbound`] or [`StatusInterdomain`], or the interrupt in the first word.
    #[doc(alias = "u")]
    pub detail: [u32; 2],
}
const _: () = assert!(size_of::<Status>() == 24);
const _: () = assert!(offset_of!(Status, port) == 4);
const _: () = assert!(offset_of!(Status, status) == 8);
const _: () = assert!(offset_of!(Status, vcpu) == 12);
const _: () = assert!(offset_of!(Status, detail) == 16);

/// What [`Status::detail`] starts with in state [`STATUS_UNBOUND`].
#[doc(alias = "evtchn_status.u.unbound")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct StatusUnbound {
    /// The domain that may connect.
    pub dom: u16,
}
const _: () = assert!(size_of::<StatusUnbound>() == 2);

/// What [`Status::detail`] holds in state [`STATUS_INTERDOMAIN`].
#[doc(alias = "evtchn_status.u.interdomain")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct StatusInterdomain {
    /// The other domain.
    pub dom: u16,
    /// Padding.
    pub padding: u16,
    /// Its port.
    pub port: u32,
}
const _: () = assert!(size_of::<StatusInterdomain>() == 8);
const _: () = assert!(offset_of!(StatusInterdomain, port) == 4);

/// Argument of [`BIND_VCPU`].
#[doc(alias = "evtchn_bind_vcpu")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct BindVcpu {
    /// The port.
    pub port: u32,
    /// The vCPU to notify.
    pub vcpu: u32,
}
const _: () = assert!(size_of::<BindVcpu>() == 8);
const _: () = assert!(offset_of!(BindVcpu, vcpu) == 4);

/// Argument of [`UNMASK`].
#[doc(alias = "evtchn_unmask")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Unmask {
    /// The port.
    pub port: u32,
}
const _: () = assert!(size_of::<Unmask>() == 4);

/// Argument of [`RESET`].
#[doc(alias = "evtchn_reset")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Reset {
    /// The domain.
    pub dom: u16,
}
const _: () = assert!(size_of::<Reset>() == 2);

/// Argument of [`INIT_CONTROL`].
#[doc(alias = "evtchn_init_control")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct InitControl {
    /// Frame of the control block.
    pub control_gfn: u64,
    /// Offset of the control block in the frame.
    pub offset: u32,
    /// The vCPU.
    pub vcpu: u32,
    /// Out: the width of a link.
    pub link_bits: u8,
    /// Not used.
    #[doc(alias = "_pad")]
    pub pad: [u8; 7],
}
const _: () = assert!(size_of::<InitControl>() == 24);
const _: () = assert!(offset_of!(InitControl, offset) == 8);
const _: () = assert!(offset_of!(InitControl, vcpu) == 12);
const _: () = assert!(offset_of!(InitControl, link_bits) == 16);
const _: () = assert!(offset_of!(InitControl, pad) == 17);

/// Argument of [`EXPAND_ARRAY`].
#[doc(alias = "evtchn_expand_array")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct ExpandArray {
    /// Frame to add.
    pub array_gfn: u64,
}
const _: () = assert!(size_of::<ExpandArray>() == 8);

/// Argument of [`SET_PRIORITY`].
#[doc(alias = "evtchn_set_priority")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct SetPriority {
    /// The port.
    pub port: u32,
    /// Its priority, 0 the highest.
    pub priority: u32,
}
const _: () = assert!(size_of::<SetPriority>() == 8);
const _: () = assert!(offset_of!(SetPriority, priority) == 4);
