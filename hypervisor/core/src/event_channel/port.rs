//! The numbers of ports and virtual interrupts, and what may be at the far end of a port.

use crate::address::{DomId, Gpa};
use core::mem::offset_of;
use xenolith_abi::event_channel as abi;
use xenolith_abi::shared_info::SharedInfo;

/// The number of a port; a guest's claim until a table has accepted it. Port 0 is never in use.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
#[repr(transparent)]
pub struct Port(pub u32);

impl Port {
    /// Returns the port's bit in its words of `evtchn_pending` and `evtchn_mask`.
    pub const fn bit(self) -> u64 {
        1 << (self.0 % u64::BITS)
    }

    /// Returns the number of those words, which is its bit in `evtchn_pending_sel`.
    pub const fn word(self) -> u32 {
        self.0 / u64::BITS % u64::BITS
    }

    /// Returns where the word with the port's pending bit is in a shared page.
    #[doc(alias = "evtchn_pending")]
    pub const fn pending_at(self, shared_info: Gpa) -> Gpa {
        Gpa(shared_info.0 + offset_of!(SharedInfo, evtchn_pending) as u64 + 8 * self.word() as u64)
    }

    /// Returns where the word with the port's mask bit is in a shared page.
    #[doc(alias = "evtchn_mask")]
    pub const fn mask_at(self, shared_info: Gpa) -> Gpa {
        Gpa(shared_info.0 + offset_of!(SharedInfo, evtchn_mask) as u64 + 8 * self.word() as u64)
    }
}

/// One end of a channel between ports.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct End {
    /// Whose port it is.
    pub domain: DomId,
    /// The port.
    pub port: Port,
}

/// The number of a virtual interrupt; a claim as [`Port`] is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
#[repr(transparent)]
pub struct Virq(pub u32);

impl Virq {
    /// Per vCPU: its timer is due.
    pub const TIMER: Self = Self(abi::VIRQ_TIMER);
    /// Per vCPU: the guest shall show its state.
    pub const DEBUG: Self = Self(abi::VIRQ_DEBUG);
    /// Global: the console has input.
    pub const CONSOLE: Self = Self(abi::VIRQ_CONSOLE);

    /// Returns whether the interrupt is one for the whole domain, bound on vCPU 0, and not one that
    /// each vCPU has (`xen/public/xen.h`). Those without a meaning count as global, as on Xen.
    pub const fn is_global(self) -> bool {
        !matches!(self.0, abi::VIRQ_TIMER | abi::VIRQ_DEBUG | abi::VIRQ_XENOPROF | abi::VIRQ_XENPMU)
    }

    /// Returns whether there is such an interrupt.
    pub const fn exists(self) -> bool {
        self.0 < abi::NR_VIRQS
    }
}

/// A part of the hypervisor that is at the far end of a port, where on Xen domain 0 would be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Service {
    /// The console, with its ring.
    Console,
    /// The store, with its ring.
    Store,
    /// The block device, with its ring.
    Block,
}

impl Service {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Console, Self::Store, Self::Block];

    /// Returns the end that the service seems to be.
    pub const fn end(self) -> End {
        let port = match self {
            Self::Console => 1,
            Self::Store => 2,
            Self::Block => 3,
        };
        End { domain: DomId(0), port: Port(port) }
    }
}
