//! Exits by an exception, and by an access that the EPT does not allow.

use super::exits::{Next, RESUME, unhandled};
use super::switch::GuestRegisters;
use super::vcpu::{Context, End};
use crate::cpu;
use xenolith_core::address::{Gpa, Gva};
use xenolith_core::crash::{CrashReason, Origin};
use xenolith_core::emulate::Exception;
use xenolith_core::vmx::exit_reason::ExitReason;
use xenolith_core::vmx::field;
use xenolith_core::vmx::qualification::{EptViolation, Interruption};

const DEBUG: u8 = 1;
const INVALID_OPCODE: u8 = 6;
const DOUBLE_FAULT: u8 = 8;
const PAGE_FAULT: u8 = 14;
const ALIGNMENT_CHECK: u8 = 17;
const MACHINE_CHECK: u8 = 18;

pub(super) fn exception_or_nmi(registers: &mut GuestRegisters, context: &mut Context<'_>) -> Next {
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

pub(super) fn ept_violation(context: &mut Context<'_>) -> Next {
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
