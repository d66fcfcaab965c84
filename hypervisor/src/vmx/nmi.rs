//! NMIs of a guest, one at a time: while the guest serves one the next one waits for its `iret`.
//!
//! The `iret` hypercall is the resident's. So that it need not ask each time, SYSCALL leads to
//! another entry while an NMI is served, from which root is told.

use super::exits::{Next, RESUME, VMCALL_BYTES};
use super::setup;
use super::switch::GuestRegisters;
use super::vcpu::{Context, End, Vcpu};
use log::{info, warn};
use xenolith_abi::trap::IretContext;
use xenolith_core::address::Gva;
use xenolith_core::bounce::Interrupted;
use xenolith_core::crash::CrashReason;
use xenolith_core::vmx::field;

const NMI: u8 = 2;

/// Nanoseconds after which an NMI is tried again that found the vCPU where none can be injected:
/// in the resident, or on its way into another exception.
const RETRY_NS: u64 = 20_000;

impl Vcpu {
    /// Returns whether an NMI can be delivered.
    pub(super) const fn has_nmi(&self) -> bool {
        self.nmi_pending && !self.nmi_in_service
    }

    /// Lets the vCPU exit soon if an NMI still waits, which may find no other exit to come at.
    pub(super) fn retry_nmi(&mut self) {
        if self.has_nmi() {
            self.arm(self.now_ns().saturating_add(RETRY_NS));
        }
    }
}

impl Context<'_> {
    /// Sends the vCPU an NMI, if the domain has a handler of them.
    pub(super) fn send_nmi(&mut self) {
        let (domain, vcpu) = (self.domain.id.0, self.vcpu.id.0);
        if self.state.handled >> NMI & 1 == 0 {
            return warn!("domain {domain} vcpu {vcpu} has no NMI callback: none is sent");
        }
        info!("domain {domain} vcpu {vcpu} is sent an NMI");
        self.vcpu.nmi_pending = true;
    }

    /// Takes the NMI that waits to be delivered now. Returns false, and drops it, if the guest has no
    /// handler.
    pub(super) fn take_nmi(&mut self) -> bool {
        self.vcpu.nmi_pending = false;
        let handled = self.state.handled >> NMI & 1 != 0;
        if handled {
            self.serve_nmi(true);
        }
        handled
    }

    fn serve_nmi(&mut self, in_service: bool) {
        let header = &self.domain.resident;
        let entry = if in_service { header.nmi_syscall } else { header.syscall };
        setup::set_system_call_entry(self.vcpu.resident + u64::from(entry));
        self.vcpu.nmi_in_service = in_service;
    }

    /// Handles the `iret` hypercall that ends an NMI: the resident goes on with it, unless the next
    /// NMI comes at its target.
    pub(super) fn nmi_iret(&mut self, registers: &mut GuestRegisters) -> Next {
        self.serve_nmi(false);
        if !self.vcpu.nmi_pending || !self.take_nmi() {
            let rip = self.vcpu.vmcs.read(field::GUEST_RIP).0;
            self.set_rip(rip + VMCALL_BYTES);
            return RESUME;
        }
        let stack = Gva(self.vcpu.vmcs.read(field::GUEST_RSP).0);
        if self.nmi_at_target(stack, registers).is_err() {
            let what = "the guest's stack cannot be used for an NMI";
            let reason = CrashReason::Resident { what, vector: NMI, address: stack };
            return self.leave(End::Crash(reason));
        }
        RESUME
    }

    /// Enters the NMI's handler as if the target of the `iret` whose frame is at `frame` had been
    /// reached and interrupted.
    fn nmi_at_target(
        &mut self,
        frame: Gva,
        registers: &mut GuestRegisters,
    ) -> Result<(), xenolith_core::guest_access::Fault> {
        let target: IretContext = self.space().read(frame)?;
        let (at, mask) = Interrupted::at_target(&target);
        let stack = if at.is_process() { self.data().kernel_sp } else { at.rsp };
        self.set_mask(mask);
        registers.call.rax = target.rax;
        self.bounce(&at, stack, NMI, None, registers)
    }
}
