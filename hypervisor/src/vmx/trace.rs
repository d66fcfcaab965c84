//! The trace of a domain (the option `trace=`), as far as root writes it.
//!
//! Nothing on the usual ways asks whether there is one: entries of a traced domain lead to a VMCALL
//! first, and the hypercalls that it passes on take the second stage.

use super::exits::{self, Next, RESUME, VMCALL_BYTES};
use super::hypercalls;
use super::switch::GuestRegisters;
use super::vcpu::Context;
use crate::debug_console::DebugConsole;
use core::arch::asm;
use xenolith_abi::hypercall::IRET;
use xenolith_abi::trap::IretContext;
use xenolith_core::address::Gva;
use xenolith_core::debug_console;
use xenolith_core::emulate::Exception;
use xenolith_core::guest_memory::GuestMemory;
use xenolith_core::hypercall::Args;
use xenolith_core::resident::{self, TracedEntries};
use xenolith_core::trace::{Event, Record};
use xenolith_core::vmx::exit_reason::ExitReason;
use xenolith_core::vmx::field;
use zerocopy::IntoBytes;

/// Bytes of the SYSCALL instruction.
const SYSCALL_BYTES: u64 = 2;
/// The ring in a code selector.
const RING: u64 = 3;
/// Vectors for which the CPU pushes an error code, a bit each.
const WITH_ERROR_CODE: u64 =
    1 << 8 | 1 << 10 | 1 << 11 | 1 << 12 | 1 << 13 | 1 << 14 | 1 << 17 | 1 << 21;

impl Context<'_> {
    /// Handles the VMCALL at `offset` of a traced domain's resident.
    pub(super) fn traced_entry(&mut self, offset: u64, registers: &mut GuestRegisters) -> Next {
        let header = &self.domain.resident;
        if offset == u64::from(header.hypercall) {
            return self.traced_hypercall(registers);
        }
        let TracedEntries { syscall, nmi_syscall, sysenter, vectors, event } = header.traced;
        if offset == u64::from(event) {
            return self.traced_upcall();
        }
        let vector = offset.wrapping_sub(vectors.into()) / u64::from(TracedEntries::STRIDE);
        if offset == u64::from(syscall) || offset == u64::from(nmi_syscall) {
            self.trace_system_call(registers);
        } else if offset == u64::from(sysenter) {
            self.trace(0, &Event::SysEnter { number: registers.call.rax });
        } else if let Ok(vector) = u8::try_from(vector) {
            self.trace_exception(vector);
        } else {
            return self.raise(Exception::INVALID_OPCODE);
        }
        let rip = self.vcpu.vmcs.read(field::GUEST_RIP).0;
        self.set_rip(rip + VMCALL_BYTES);
        RESUME
    }

    fn traced_hypercall(&mut self, registers: &mut GuestRegisters) -> Next {
        let rip = registers.call.rcx.wrapping_sub(SYSCALL_BYTES);
        let next = hypercalls::passed_on(&mut registers.call, self);
        let is_cut = self.vcpu.vmcs.read(field::GUEST_RIP).0 == rip;
        let event = if is_cut {
            Event::Cut { args: *registers.call.arguments() }
        } else {
            Event::Result { value: registers.call.rax.cast_signed() }
        };
        self.trace(rip, &event);
        next
    }

    fn trace_system_call(&mut self, registers: &GuestRegisters) {
        let number = registers.call.rax;
        let mut args = *registers.call.arguments();
        let is_hypercall = self.data().mode != resident::USER;
        if is_hypercall && number == u64::from(IRET) {
            args = self.iret_target();
        }
        let event = if is_hypercall {
            Event::Hypercall { number, args }
        } else {
            Event::SystemCall { number, args }
        };
        self.trace(registers.call.rcx.wrapping_sub(SYSCALL_BYTES), &event);
    }

    /// Returns what `iret` takes from the stack: rip, cs, rflags, rsp, ss; zeros if nothing is there.
    fn iret_target(&mut self) -> Args {
        let stack = Gva(self.vcpu.vmcs.read(field::GUEST_RSP).0);
        let frame = self.space().read::<IretContext>(stack);
        frame.map_or([0; 5], |it| [it.rip, it.cs, it.rflags, it.rsp, it.ss])
    }

    fn trace_exception(&mut self, vector: u8) {
        let stack = Gva(self.vcpu.vmcs.read(field::GUEST_RSP).0);
        // It has just been pushed; another vCPU may have taken the page away.
        let words = self.space().read::<[u64; 3]>(stack).unwrap_or([0; 3]);
        let has_code = WITH_ERROR_CODE.checked_shr(vector.into()).unwrap_or(0) & 1 != 0;
        let (error_code, rip, cs) = match words {
            [code, rip, cs] if has_code => (Some(code), rip, cs),
            [rip, cs, _] => (None, rip, cs),
        };
        let address: u64;
        // SAFETY: CR2 is the guest's; the hypervisor takes no page faults.
        unsafe { asm!("mov {}, cr2", out(reg) address, options(nomem, nostack)) };
        let from_process = cs & RING != 0;
        self.trace(rip, &Event::Exception { vector, error_code, from_process, address });
    }

    /// The frame is complete: on with the callback.
    fn traced_upcall(&mut self) -> Next {
        const SELECTOR: u64 = 8;
        let stack = Gva(self.vcpu.vmcs.read(field::GUEST_RSP).0);
        let [_, _, rip, cs] = self.space().read::<[u64; 4]>(stack).unwrap_or([0; 4]);
        let info = self.state.vcpu_info;
        let selector = xenolith_core::address::Gpa(info.0 + SELECTOR);
        let selector = self.memory.read_word(selector).unwrap_or(0);
        self.trace(rip, &Event::Upcall { from_process: cs & RING != 0, selector });
        self.set_rip(self.state.event.address);
        RESUME
    }

    /// Handles an exit, and writes it down, but for those of the trace itself.
    #[cold]
    pub(super) fn traced_exit(
        &mut self,
        reason: ExitReason,
        registers: &mut GuestRegisters,
    ) -> Next {
        if reason == ExitReason::VMCALL {
            return exits::other(reason, registers, self);
        }
        let (time_ns, vmcs) = (self.vcpu.now_ns(), &self.vcpu.vmcs);
        let rip = vmcs.read(field::GUEST_RIP).0;
        let qualification = vmcs.read(field::EXIT_QUALIFICATION).0;
        let next = exits::other(reason, registers, self);
        let event = Event::Exit { reason: reason.0, qualification, until_ns: self.vcpu.now_ns() };
        self.write_record(Record { time_ns, rip, ..Record::new(&event) });
        next
    }

    fn trace(&self, rip: u64, event: &Event) {
        let time_ns = self.vcpu.now_ns();
        self.write_record(Record { time_ns, rip, ..Record::new(event) });
    }

    fn write_record(&self, record: Record) {
        let record = Record { domain: self.domain.id.0, vcpu: self.vcpu.id.0, ..record };
        DebugConsole::write_record(&debug_console::Record::Trace(record.as_bytes()));
    }
}
