//! What happens at each exit.

use super::switch::{CallRegisters, GuestRegisters};
use super::vcpu::{Context, End};
use crate::cpu;
use core::fmt;
use xenolith_abi::errno::EAGAIN;
use xenolith_abi::hypercall::IRET;
use xenolith_core::address::{Gpa, Gva};
use xenolith_core::bounce;
use xenolith_core::crash::{CrashReason, Origin};
use xenolith_core::emulate::Exception;
use xenolith_core::hypercall::{self, Args, Call, Outcome, Pause, Then, unsupported};
use xenolith_core::shutdown::ShutdownReason;
use xenolith_core::vmx::exit_reason::ExitReason;
use xenolith_core::vmx::field::{self, Natural};
use xenolith_core::vmx::qualification::{EptViolation, Interruption, code_address_mask};

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
/// Bytes of the SYSCALL instruction.
const SYSCALL_BYTES: u64 = 2;
const DOUBLE_FAULT: u8 = 8;
const PAGE_FAULT: u8 = 14;
const MACHINE_CHECK: u8 = 18;
const DEBUG: u8 = 1;
const INVALID_OPCODE: u8 = 6;
const ALIGNMENT_CHECK: u8 = 17;

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

/// Makes the hypercall that the resident passes on.
#[inline]
pub(super) fn passed_on(registers: &mut CallRegisters, context: &mut Context<'_>) -> Next {
    if !hypercall::is_short(registers.rax) {
        return hypercall(registers, context);
    }
    if let Some(value) = hypercall::at_once(registers.rax, registers.rdi) {
        if unsupported::is_refusal(value) {
            context.log_unsupported(registers, value);
        }
        registers.rax = value.cast_unsigned();
        context.set_rip(context.vcpu.hypercall_tail);
        return RESUME;
    }
    brief_hypercall(registers, context)
}

/// Tries the short way.
#[inline(never)]
fn brief_hypercall(registers: &mut CallRegisters, context: &mut Context<'_>) -> Next {
    let behind = context.vcpu.hypercall_tail;
    let arguments = [registers.rdi, registers.rsi];
    let (domain, vcpu, mut machine) = context.split();
    let mut call = Call { domain, vcpu, machine: &mut machine };
    let Some(value) = hypercall::in_brief(&mut call, registers.rax, arguments) else {
        return hypercall(registers, context);
    };
    registers.rax = value.cast_unsigned();
    context.set_rip(behind);
    RESUME
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

#[inline(never)]
fn hypercall(registers: &mut CallRegisters, context: &mut Context<'_>) -> Next {
    let (domain, vcpu, mut machine) = context.split();
    let mut call = Call { domain, vcpu, machine: &mut machine };
    let outcome = hypercall::serve(&mut call, registers.arguments(), registers.rax);
    if let Outcome::Return(value) = outcome {
        context.return_value(registers, value);
        return RESUME;
    }
    other_outcome(registers, context, &outcome)
}

/// Does what calls seldom ask for.
#[inline(never)]
fn other_outcome(
    registers: &mut CallRegisters,
    context: &mut Context<'_>,
    outcome: &Outcome,
) -> Next {
    match *outcome {
        Outcome::Return(value) => context.return_value(registers, value),
        Outcome::Continue(args) => {
            context.restart(registers, args);
            context.deliver();
        }
        Outcome::Again(args) => context.return_again(registers, args),
        Outcome::Pause(pause, Then::Continue(args)) => {
            context.restart(registers, args);
            let next = context.pause(pause);
            context.deliver();
            return next;
        }
        Outcome::Pause(pause, Then::Again(args)) => {
            let next = context.pause(pause);
            context.return_again(registers, args);
            return next;
        }
        Outcome::Iret => {
            registers.rax = u64::from(IRET);
            let header = &context.domain.resident;
            // An NMI that the list has sent comes at the target, as one that had to wait does.
            let asks = context.vcpu.nmi_in_service || context.vcpu.nmi_pending;
            let entry = if asks { header.nmi_syscall } else { header.syscall };
            context.set_rip(context.vcpu.resident + u64::from(entry));
        }
        Outcome::Yield => return context.return_after(registers, Pause::Yield),
        Outcome::Block => return context.return_after(registers, Pause::Block),
        Outcome::Poll { deadline_ns } => {
            return context.return_after(registers, Pause::Poll { deadline_ns });
        }
        Outcome::Shutdown(reason) => {
            registers.rax = 0;
            context.back_in_guest(registers, 0);
            return context.leave(End::Shutdown(reason));
        }
    }
    RESUME
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
            context.continue_store();
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

fn exception_or_nmi(registers: &mut GuestRegisters, context: &mut Context<'_>) -> Next {
    let vmcs = &context.vcpu.vmcs;
    let information = vmcs.read(field::EXIT_INTERRUPTION_INFO);
    let Some(event) = Interruption::decode(information) else {
        return unhandled(ExitReason::EXCEPTION_OR_NMI, context);
    };
    if event.kind == Interruption::NMI {
        cpu::traps::deliver_nmi();
        return RESUME;
    }
    assert!(event.vector != MACHINE_CHECK, "machine check while a guest ran");
    let code = vmcs.read(field::EXIT_INTERRUPTION_ERROR_CODE);
    let qualification = vmcs.read(field::EXIT_QUALIFICATION).0;
    if event.vector == DEBUG && context.state.handled >> DEBUG & 1 != 0 {
        if event.kind == Interruption::PRIVILEGED_SOFTWARE {
            // INT1, which is a trap: the handler is told what is behind it, and no condition.
            context.skip();
            return context.debug_exception(0);
        }
        return context.debug_exception(qualification);
    }
    if event.vector == ALIGNMENT_CHECK && context.state.handled >> ALIGNMENT_CHECK & 1 != 0 {
        let error_code = Some(code);
        return context.raise(Exception { vector: event.vector, error_code, address: None });
    }
    // A kernel may ask for CPUID before it handles anything.
    if event.vector == INVALID_OPCODE && context.forced_cpuid(registers) {
        return RESUME;
    }
    if context.fix_up(event.vector) {
        return RESUME;
    }
    if event.vector == DOUBLE_FAULT {
        return double_fault(context);
    }
    let address = Gva(qualification);
    context.leave(End::Crash(CrashReason::Exception {
        vector: event.vector,
        error_code: event.has_error_code.then_some(code),
        address: (event.vector == PAGE_FAULT).then_some(address),
    }))
}

/// Says which stack it must have been: what a double fault is in a kernel that has a stack is rare.
fn double_fault(context: &mut Context<'_>) -> Next {
    let vmcs = &context.vcpu.vmcs;
    let privilege = vmcs.read(field::GUEST_SS_ACCESS_RIGHTS) >> 5 & 3;
    let (from, stack) = if privilege != 0 {
        (Origin::Process, context.data().kernel_sp)
    } else {
        let resident = context.resident_offset().is_some();
        let from = if resident { Origin::Resident } else { Origin::Kernel };
        (from, vmcs.read(field::GUEST_RSP).0)
    };
    let stack = Gva(stack);
    let overflowed = context.has_overflowed(stack);
    context.leave(End::Crash(CrashReason::DoubleFault { from, stack, overflowed }))
}

fn ept_violation(context: &mut Context<'_>) -> Next {
    if context.fix_up(PAGE_FAULT) {
        return RESUME;
    }
    let vmcs = &context.vcpu.vmcs;
    let violation = EptViolation::decode(vmcs.read(field::EXIT_QUALIFICATION).0);
    let linear = Gva(vmcs.read(field::GUEST_LINEAR_ADDRESS).0);
    let address = Gpa(vmcs.read(field::GUEST_PHYSICAL_ADDRESS));
    context.leave(End::Crash(CrashReason::GuestPhysical {
        address,
        linear: violation.linear_valid.then_some(linear),
        violation,
    }))
}

fn unhandled(reason: ExitReason, context: &mut Context<'_>) -> Next {
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
    fn check_watchdogs(&mut self) -> Next {
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

    #[cold]
    fn log_unsupported(&mut self, registers: &CallRegisters, value: i64) {
        let (domain, vcpu, mut machine) = self.split();
        let mut call = Call { domain, vcpu, machine: &mut machine };
        unsupported::log(&mut call, registers.rax, registers.arguments(), value);
    }

    /// Raises #GP for what an instruction wants, which is not there, and says so in the log.
    pub(super) fn refuse(&mut self, exception: Exception, what: fmt::Arguments<'_>) -> Next {
        let rip = self.vcpu.vmcs.read(field::GUEST_RIP).0;
        let (domain, vcpu, mut machine) = self.split();
        let mut call = Call { domain, vcpu, machine: &mut machine };
        unsupported::log_line(&mut call, rip, format_args!("{what} is refused"));
        self.raise(exception)
    }

    /// Ends a hypercall with `value`: the resident goes on.
    fn return_value(&mut self, registers: &mut CallRegisters, value: i64) {
        registers.rax = value.cast_unsigned();
        self.set_rip(self.vcpu.hypercall_tail);
        if self.vcpu.nmi_pending {
            // The way out through the resident has no place for one.
            self.back_in_guest(registers, 0);
            self.deliver();
        }
    }

    /// Ends a hypercall of which `left` is still to be done.
    fn return_again(&mut self, registers: &mut CallRegisters, left: Args) {
        registers.set_arguments(left);
        self.return_value(registers, -EAGAIN);
    }

    /// Puts the vCPU back on the SYSCALL, of which `left` is still to be done.
    fn restart(&mut self, registers: &mut CallRegisters, left: Args) {
        registers.set_arguments(left);
        self.back_in_guest(registers, SYSCALL_BYTES);
    }

    /// Ends a hypercall with 0, after a pause. An NMI that ends it comes behind the call.
    fn return_after(&mut self, registers: &mut CallRegisters, pause: Pause) -> Next {
        let next = self.pause(pause);
        self.return_value(registers, 0);
        next
    }

    fn pause(&mut self, pause: Pause) -> Next {
        match pause {
            Pause::Yield => self.poll_console(),
            Pause::Block => self.block(),
            Pause::Poll { deadline_ns } => self.poll(deadline_ns),
        }
        self.check_watchdogs()
    }

    /// Takes the vCPU out of the resident to where SYSCALL was executed: `before` bytes before its
    /// return address, which SYSCALL left in rcx, with the flags that it left in r11.
    fn back_in_guest(&mut self, registers: &CallRegisters, before: u64) {
        self.set_rip(registers.rcx.wrapping_sub(before));
        let flags = bounce::allowed_flags(registers.r11);
        // SAFETY: guest state cannot hurt anybody but the guest.
        unsafe { self.vcpu.vmcs.write(field::GUEST_RFLAGS, Natural(flags)) };
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
