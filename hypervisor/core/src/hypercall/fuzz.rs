//! Sequences of hypercalls with any arguments, over memory in which anything lies, cut anywhere.

mod invariants;
mod program;

pub(crate) use program::seeds;

use super::test_machine::Caller;
use super::{Args, Outcome, Pause, Then};
use crate::fuzzing::Bytes;
use program::Step;
use xenolith_abi::hypercall::{GET_DEBUGREG, MMU_UPDATE, MMUEXT_OP};

/// Pieces of one call, at most; then the guest is taken to do something else.
const PIECES: u32 = 200;
/// Questions about preemption in a piece that is not cut before.
const LONG: u32 = 5000;

/// What the line takes of the console's output between pieces of calls.
const LINE_BYTES: usize = 16;

/// Makes the calls that the bytes say.
pub(crate) fn run(bytes: &[u8]) {
    let mut bytes = Bytes::new(bytes);
    let mut caller = Caller::new();
    while !bytes.is_empty() {
        match Step::read(&mut bytes, &caller) {
            Step::Call { number, args, units } => {
                if !make(&mut caller, number, args, units) {
                    break;
                }
            }
            step => step.take(&mut caller),
        }
        invariants::check_step(&mut caller);
    }
    invariants::check(&caller);
}

/// Makes a call to its end, or until it has been cut often enough. Returns whether the domain lives.
fn make(caller: &mut Caller, number: u64, args: Args, units: u8) -> bool {
    let units = if units == u8::MAX { LONG } else { units.into() };
    let mut args = args;
    for _ in 0..PIECES {
        caller.machine.units = units;
        // The line is slow, but never stands still.
        caller.machine.queues.output.consume(LINE_BYTES);
        let before = caller.machine.now_ns;
        let outcome = caller.call_all(number, &args);
        invariants::check_outcome(caller, number, outcome);
        let left = match outcome {
            Outcome::Return(value) => {
                // What these return may be a register's value, or their own last argument.
                let is_any = [GET_DEBUGREG, MMU_UPDATE, MMUEXT_OP].contains(&number_of(number));
                assert!(is_any || value >= -4095, "{value} is no error and no result");
                return true;
            }
            Outcome::Continue(left)
            | Outcome::Again(left)
            | Outcome::Pause(_, Then::Continue(left) | Then::Again(left)) => left,
            Outcome::Iret | Outcome::Yield | Outcome::Block => return true,
            Outcome::Poll { deadline_ns } => {
                assert!(deadline_ns.is_none_or(|deadline| deadline > before));
                return true;
            }
            Outcome::Shutdown(_) => return false,
        };
        if left == args && !matches!(outcome, Outcome::Pause(Pause::Yield | Pause::Block, _)) {
            invariants::check_progress(caller, number, &args, units);
        }
        args = left;
    }
    true
}

/// The number without the bit that a caller may add.
fn number_of(number: u64) -> u32 {
    u32::try_from(number & !super::dispatch::NO_RESTART).expect("numbers are small")
}
