//! What happens at each exit.

use super::exceptions::{ept_violation, exception_or_nmi};
use super::hypercalls::passed_on;
use super::switch::{CallRegisters, GuestRegisters};
use super::vcpu::{Context, End};
use crate::cpu;
use core::fmt;
use xenolith_core::crash::CrashReason;
use xenolith_core::emulate::Exception;
use xenolith_core::hypercall::{Call, unsupported};
use xenolith_core::shutdown::ShutdownReason;
use xenolith_core::vmx::exit_reason::ExitReason;
use xenolith_core::vmx::field::{self, Natural};
use xenolith_core::vmx::qualification::code_address_mask;

/// What to do after a stage, as `switch` understands it.
pub(super) type Next = u32;
/// Back into the guest.
pub(super) const RESUME: Next = 0;
/// Out of `Vcpu::run`; the context says why.
pub(super) const LEAVE: Next = 1;
/// The first stage leaves the exit to the second.
const OTHER: Next = 2;

/// Bytes of the VMCALL instruction.
pub(super) const VMCALL_BYTES: u64 = 3;

/// The first stage of an exit: hypercalls that the resident passes on.
pub(super) extern "C" fn on_exit(registers: &mut CallRegisters, context: &mut Context<'_>) -> Next {
    if context.reason() != ExitReason::VMCALL {
        return OTHER;
    }
    let rip = context.vcpu.vmcs.read(field::GUEST_RIP).0;
    if rip != context.vcpu.hypercall_rip {
        return OTHER;
    }
    context.count(ExitReason::VMCALL);
    passed_on(registers, context)
}

/// The second stage: `first` is what the first one answered.
pub(super) extern "C" fn on_other_exit(
    registers: &mut GuestRegisters,
    context: &mut Context<'_>,
    first: Next,
) -> Next {
    if first != OTHER {
        return first;
    }
    let reason = context.reason();
    context.count(reason);
    let next = if context.domain.resident.is_traced() {
        context.traced_exit(reason, registers)
    } else {
        other(reason, registers, context)
    };
    if next == RESUME {
        context.deliver();
    }
    next
}

pub(super) fn other(
    reason: ExitReason,
    registers: &mut GuestRegisters,
    context: &mut Context<'_>,
) -> Next {
    match reason {
        ExitReason::EXCEPTION_OR_NMI => exception_or_nmi(registers, context),
        ExitReason::EXTERNAL_INTERRUPT => {
            let information = context.vcpu.vmcs.read(field::EXIT_INTERRUPTION_INFO);
            let [vector, ..] = information.to_le_bytes();
            cpu::interrupts::acknowledge(vector);
            if vector == cpu::interrupts::TIMER {
                context.vcpu.disarmed();
            }
            context.serve_timers();
            context.serve_console();
            context.continue_services();
            context.check_watchdogs()
        }
        // What was held back is delivered on the way back.
        ExitReason::MONITOR_TRAP_FLAG => RESUME,
        ExitReason::PREEMPTION_TIMER => {
            context.serve_steps();
            RESUME
        }
        ExitReason::CPUID => {
            context.cpuid(registers);
            context.skip()
        }
        ExitReason::RDMSR => context.read_msr(registers),
        ExitReason::WRMSR => context.write_msr(registers),
        ExitReason::IO_INSTRUCTION => context.port_access(registers),
        ExitReason::CONTROL_REGISTER => context.control_register(registers),
        ExitReason::XSETBV => context.xsetbv(registers),
        // The host's caches stay as they are: nothing a guest can reach needs them flushed.
        ExitReason::WBINVD | ExitReason::INVD => context.skip(),
        ExitReason::HLT | ExitReason::RDPMC => context.raise(Exception::GENERAL_PROTECTION),
        ExitReason::EPT_VIOLATION => ept_violation(context),
        ExitReason::VMCALL => context.resident_call(registers),
        ExitReason::MONITOR
        | ExitReason::MWAIT
        | ExitReason::GETSEC
        | ExitReason::INVEPT
        | ExitReason::INVVPID
        | ExitReason::VMCLEAR
        | ExitReason::VMLAUNCH
        | ExitReason::VMPTRLD
        | ExitReason::VMPTRST
        | ExitReason::VMREAD
        | ExitReason::VMRESUME
        | ExitReason::VMWRITE
        | ExitReason::VMXOFF
        | ExitReason::VMXON => context.raise(Exception::INVALID_OPCODE),
        _ => unhandled(reason, context),
    }
}

pub(super) fn unhandled(reason: ExitReason, context: &mut Context<'_>) -> Next {
    let qualification = context.vcpu.vmcs.read(field::EXIT_QUALIFICATION).0;
    context.leave(End::Crash(CrashReason::Unhandled {
        what: reason.name().unwrap_or("unknown exit reason"),
        reason: reason.0,
        qualification,
    }))
}

impl Context<'_> {
    #[inline]
    fn reason(&self) -> ExitReason {
        ExitReason(self.vcpu.vmcs.read(field::EXIT_REASON))
    }

    /// Ends the domain if one of its watchdogs has run out.
    pub(super) fn check_watchdogs(&mut self) -> Next {
        if self.watchdog_expired() {
            return self.leave(End::Shutdown(ShutdownReason::Watchdog));
        }
        RESUME
    }

    #[inline]
    fn count(&mut self, reason: ExitReason) {
        let count = &mut self.vcpu.exits[reason.slot()];
        *count = count.wrapping_add(1);
    }

    /// Sets the instruction pointer.
    #[inline]
    pub(super) fn set_rip(&mut self, rip: u64) {
        // SAFETY: guest state cannot hurt anybody but the guest.
        unsafe { self.vcpu.vmcs.write(field::GUEST_RIP, Natural(rip)) };
    }

    /// Raises #GP for what an instruction wants, which is not there, and says so in the log.
    pub(super) fn refuse(&mut self, exception: Exception, what: fmt::Arguments<'_>) -> Next {
        let rip = self.vcpu.vmcs.read(field::GUEST_RIP).0;
        let (domain, vcpu, mut machine) = self.split();
        let mut call = Call { domain, vcpu, machine: &mut machine };
        unsupported::log_line(&mut call, rip, format_args!("{what} is refused"));
        self.raise(exception)
    }

    /// Moves on behind the instruction that caused the exit, as if it had been executed: what
    /// blocked interrupts for one instruction does so no more.
    pub(super) fn skip(&mut self) -> Next {
        let length = self.vcpu.vmcs.read(field::EXIT_INSTRUCTION_LENGTH);
        self.skip_bytes(length.into());
        RESUME
    }

    /// Likewise, behind `length` bytes.
    pub(super) fn skip_bytes(&mut self, length: u64) {
        const BLOCKING_BY_STI_OR_MOV_SS: u32 = 3;
        let vmcs = &self.vcpu.vmcs;
        let mask = code_address_mask(vmcs.read(field::GUEST_CS_ACCESS_RIGHTS));
        self.set_rip(vmcs.read(field::GUEST_RIP).0.wrapping_add(length) & mask);
        let state = self.vcpu.vmcs.read(field::GUEST_INTERRUPTIBILITY);
        if state & BLOCKING_BY_STI_OR_MOV_SS != 0 {
            let state = state & !BLOCKING_BY_STI_OR_MOV_SS;
            // SAFETY: guest state cannot hurt anybody but the guest.
            unsafe { self.vcpu.vmcs.write(field::GUEST_INTERRUPTIBILITY, state) };
        }
    }

    pub(super) fn leave(&mut self, end: End) -> Next {
        self.end = Some(end);
        LEAVE
    }
}
