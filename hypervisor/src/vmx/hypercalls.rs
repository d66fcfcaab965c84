//! Hypercalls that the resident passes on, and what their outcomes do to the vCPU.

use super::exits::{Next, RESUME};
use super::switch::CallRegisters;
use super::vcpu::{Context, End};
use xenolith_abi::errno::EAGAIN;
use xenolith_abi::hypercall::IRET;
use xenolith_core::bounce;
use xenolith_core::hypercall::{self, Args, Call, Outcome, Pause, Then, unsupported};
use xenolith_core::vmx::field::{self, Natural};

/// Bytes of the SYSCALL instruction.
const SYSCALL_BYTES: u64 = 2;

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

impl Context<'_> {
    #[cold]
    fn log_unsupported(&mut self, registers: &CallRegisters, value: i64) {
        let (domain, vcpu, mut machine) = self.split();
        let mut call = Call { domain, vcpu, machine: &mut machine };
        unsupported::log(&mut call, registers.rax, registers.arguments(), value);
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
}
