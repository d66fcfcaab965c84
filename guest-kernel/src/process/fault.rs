//! Exceptions of processes: a page fault that has a remedy is not seen; all else ends the process.

use super::{
    address_space::Problem,
    life, machine,
    resolve::Attempt,
    running::{self, Process},
    table::Status,
};
use crate::{
    entry::{Cause, Frame, PtRegs, Vector},
    irq, println,
};
use xenolith_system_calls::USER_END;

const PAGE_FAULT: Vector = Vector(14);

/// Sees to an exception before anybody else; returns whether that was it.
///
/// In the kernel only the copies from and to processes get this far (see `traps::set_first_handler`).
pub(super) fn handle(regs: &mut PtRegs) -> bool {
    let Cause::Exception(vector) = regs.cause() else { return false };
    let Some(process) = running::current() else { return false };
    let problem = if vector == PAGE_FAULT {
        match resolve(process, machine::fault_address(), regs.error_code) {
            Ok(()) => return true,
            Err(problem) => problem,
        }
    } else {
        None
    };
    if regs.is_user() {
        kill(process, regs, vector, problem);
    }
    false
}

/// Finds a remedy for a page fault.
fn resolve(process: &Process, address: u64, error_code: u64) -> Result<(), Option<Problem>> {
    let attempt = Attempt::of(error_code).filter(|_| address < USER_END).ok_or(None)?;
    // The process itself holds it in no copy.
    let mut space = process.space.try_lock().ok_or(None)?;
    space.resolve(address, attempt).map_err(Some)
}

/// Ends a process for what it did, and says so.
#[cold]
fn kill(process: &Process, frame: &Frame, vector: Vector, problem: Option<Problem>) -> ! {
    let address = machine::fault_address();
    irq::irq_enable();
    let (number, name, rip) = (process.id.number(), process.name, frame.rip);
    if vector == PAGE_FAULT {
        let attempt = match Attempt::of(frame.error_code) {
            Some(Attempt::Write) => "write",
            Some(Attempt::Execute) => "execute",
            _ => "read",
        };
        let why = words(problem);
        println!("process {number} ({name}): cannot {attempt} {address:#x}, rip {rip:#x}: {why}");
    } else {
        let (what, code) = (exception_name(vector), frame.error_code);
        println!("process {number} ({name}): {what}, rip {rip:#x}, error code {code:#x}");
    }
    life::finish(Status::Killed(vector.0))
}

fn words(problem: Option<Problem>) -> &'static str {
    match problem {
        Some(Problem::StackOverflow) => "the stack has reached its limit",
        Some(Problem::NoMemory) => "no memory is left",
        Some(Problem::Refused(refusal)) => refusal.words(),
        None => "it is not a process's",
    }
}

/// Returns what the manual calls an exception (SDM 3A, "Exception and Interrupt Vectors").
fn exception_name(vector: Vector) -> &'static str {
    match vector.0 {
        0 => "divide error",
        1 => "debug exception",
        3 => "breakpoint",
        4 => "overflow",
        5 => "bound range exceeded",
        6 => "invalid opcode",
        7 => "device not available",
        11 => "segment not present",
        12 => "stack-segment fault",
        13 => "general protection",
        16 => "x87 floating-point error",
        17 => "alignment check",
        19 => "SIMD floating-point error",
        _ => "an exception",
    }
}
