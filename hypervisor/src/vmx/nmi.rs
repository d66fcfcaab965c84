//! NMIs of a guest, one at a time: while the guest serves one the next one waits for its `iret`.
//!
//! The `iret` hypercall is the resident's. So that it need not ask each time, SYSCALL leads to
//! another entry while an NMI is served, from which root is told.

use super::exits::{Next, RESUME, VMCALL_BYTES};
use super::setup;
use super::switch::GuestRegisters;
use super::vcpu::{Context, End};
use xenolith_abi::trap::IretContext;
use xenolith_core::address::Gva;
use xenolith_core::bounce::Interrupted;
use xenolith_core::crash::CrashReason;
use xenolith_core::vmx::field;

const NMI: u8 = 2;

impl Context<'_> {
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
