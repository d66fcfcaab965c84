//! The protocol over the words that the hypervisor shares with a guest.
//!
//! ```text
//! shared_info  evtchn_pending[64]      set by the hypervisor, cleared by the guest
//!              evtchn_mask[64]         changed by the guest
//! vcpu_info    byte 0  upcall_pending  set by the hypervisor, cleared by the guest
//!              byte 1  upcall_mask     changed by both, the hypervisor on the vCPU's own CPU
//!              word 1  pending_sel     set by the hypervisor, taken by the guest
//! ```
//!
//! Each step is an atomic change that tells what was there; only who changes a bit goes on. The
//! order of the steps is Xen's (`xen/common/event_2l.c`), and what makes that no event is lost.

use super::port::Port;
use crate::address::Gpa;
use crate::guest_memory::GuestMemory;

/// `evtchn_upcall_pending`, as the hypervisor sets it.
const UPCALL_PENDING: u64 = 1;
/// The byte `evtchn_upcall_mask`.
const UPCALL_MASK: u64 = 0xff00;
/// Where `evtchn_pending_sel` is in `vcpu_info`.
const SELECTOR: u64 = 8;

/// What setting an event did.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Raised {
    /// Nothing: it was pending, or there is no memory for it.
    AlreadyPending,
    /// It is now pending, but the vCPU need not know, or knows.
    Pending,
    /// It is now pending, and so is an upcall that was not: the vCPU has to be woken.
    Upcall,
}

/// The shared words of one domain.
#[derive(Debug)]
pub struct SharedWords<'a, M> {
    memory: &'a mut M,
    shared_info: Gpa,
}

impl<'a, M: GuestMemory> SharedWords<'a, M> {
    /// Looks at the shared page at `shared_info` in `memory`.
    pub fn new(memory: &'a mut M, shared_info: Gpa) -> Self {
        Self { memory, shared_info }
    }

    /// Sets `port` pending, for the vCPU with this record.
    #[doc(alias = "evtchn_2l_set_pending")]
    pub fn set_pending(&mut self, port: Port, vcpu_info: Gpa) -> Raised {
        if self.memory.fetch_or(port.pending_at(self.shared_info), port.bit()).is_none_or(is(port))
        {
            return Raised::AlreadyPending;
        }
        let masked = self.memory.read_word(port.mask_at(self.shared_info)).is_none_or(is(port));
        if !masked && self.select(port, vcpu_info) { Raised::Upcall } else { Raised::Pending }
    }

    /// Unmasks `port`, and returns whether the vCPU has to be woken for what was pending.
    #[doc(alias = "evtchn_2l_unmask")]
    pub fn unmask(&mut self, port: Port, vcpu_info: Gpa) -> bool {
        let mask = port.mask_at(self.shared_info);
        let was_masked = self.memory.fetch_and(mask, !port.bit()).is_some_and(is(port));
        was_masked && self.is_pending(port) && self.select(port, vcpu_info)
    }

    /// Returns whether `port` is pending.
    pub fn is_pending(&self, port: Port) -> bool {
        self.memory.read_word(port.pending_at(self.shared_info)).is_some_and(is(port))
    }

    /// Forgets an event at `port`, which is about to be closed.
    pub fn clear_pending(&mut self, port: Port) {
        // Where there is no memory there is no event.
        let _ = self.memory.fetch_and(port.pending_at(self.shared_info), !port.bit());
    }

    /// Makes an upcall to the vCPU with this record pending, and returns whether none was.
    #[doc(alias = "vcpu_mark_events_pending")]
    pub fn mark(&mut self, vcpu_info: Gpa) -> bool {
        let old = self.memory.fetch_or(vcpu_info, UPCALL_PENDING);
        old.is_some_and(|word| word & UPCALL_PENDING == 0)
    }

    /// Allows upcalls, as a vCPU that blocks does.
    pub fn allow_upcalls(&mut self, vcpu_info: Gpa) {
        // Without a record there are no upcalls.
        let _ = self.memory.fetch_and(vcpu_info, !UPCALL_MASK);
    }

    /// Selects the port's word, and returns whether the vCPU has to be woken for it.
    fn select(&mut self, port: Port, vcpu_info: Gpa) -> bool {
        let bit = 1 << port.word();
        let old = self.memory.fetch_or(Gpa(vcpu_info.0 + SELECTOR), bit);
        old.is_some_and(|word| word & bit == 0) && self.mark(vcpu_info)
    }
}

/// Returns whether the first word of a `vcpu_info` asks for an upcall: one is pending, and the
/// whole mask byte is 0.
pub const fn is_deliverable(first_word: u64) -> bool {
    first_word & 0xff != 0 && first_word & UPCALL_MASK == 0
}

/// Returns whether a word has the bit of `port`.
fn is(port: Port) -> impl FnOnce(u64) -> bool {
    move |word| word & port.bit() != 0
}
