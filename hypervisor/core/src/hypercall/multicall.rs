//! `multicall`: a list of hypercalls. They are made one after the other, as if each on its own; the
//! list is cut between two entries, or inside one whose own call is cut.

use super::dispatch::NO_RESTART;
use super::{Args, Call, Machine, Outcome, Pause, Then, as_u32, dispatch, handle};
use crate::address::{Gva, to_u64};
use crate::guest_access::{Fault, is_reachable};
use core::mem::offset_of;
use xenolith_abi::errno::{EAGAIN, EFAULT, EINVAL};
use xenolith_abi::hypercall::{IRET, MULTICALL};
use xenolith_abi::multicall::MulticallEntry;

const ENTRY_BYTES: u64 = to_u64(size_of::<MulticallEntry>());
const RESULT: u64 = to_u64(offset_of!(MulticallEntry, result));
const ARGS: u64 = to_u64(offset_of!(MulticallEntry, args));

/// What becomes of the list after an entry.
enum Step {
    /// On to the next one.
    Next,
    /// On to the next one, but first the vCPU waits.
    Pause(Pause),
    /// The entry has more to do.
    Unfinished,
    /// The list ends here.
    End(Outcome),
}

pub(super) fn multicall<M: Machine>(call: &mut Call<'_, M>, args: &Args) -> Outcome {
    let [list, count, rest @ ..] = *args;
    let count = as_u32(count);
    if !is_reachable(handle(list)) {
        return Outcome::Return(-EFAULT);
    }
    let left = |done: u32| {
        let at = list.wrapping_add(u64::from(done) * ENTRY_BYTES);
        [at, u64::from(count - done), rest[0], rest[1], rest[2]]
    };
    for done in 0..count {
        if done != 0 && call.machine.preempt() {
            return Outcome::Continue(left(done));
        }
        match entry(call, handle(left(done)[0])) {
            Ok(Step::Next) => {}
            Ok(Step::Unfinished) => return Outcome::Continue(left(done)),
            Ok(Step::End(outcome)) => return outcome,
            Ok(Step::Pause(pause)) if done + 1 < count => {
                return Outcome::Pause(pause, Then::Continue(left(done + 1)));
            }
            Ok(Step::Pause(Pause::Yield)) => return Outcome::Yield,
            Ok(Step::Pause(Pause::Block)) => return Outcome::Block,
            Ok(Step::Pause(Pause::Poll { deadline_ns })) => return Outcome::Poll { deadline_ns },
            Err(fault) => return fault.into(),
        }
    }
    Outcome::Return(0)
}

/// Makes the call of the entry at `at`, and tells the entry what came of it.
fn entry<M: Machine>(call: &mut Call<'_, M>, at: Gva) -> Result<Step, Fault> {
    let MulticallEntry { op, args: [args @ .., _], .. } = call.space().read(at)?;
    let (result, step) = match make(call, op, &args) {
        Outcome::Return(value) => (value, Step::Next),
        Outcome::Continue(left) => {
            set_args(call, at, &left)?;
            return Ok(Step::Unfinished);
        }
        Outcome::Again(left) => {
            set_args(call, at, &left)?;
            (-EAGAIN, Step::Next)
        }
        Outcome::Yield => (0, Step::Pause(Pause::Yield)),
        Outcome::Block => (0, Step::Pause(Pause::Block)),
        Outcome::Poll { deadline_ns } => (0, Step::Pause(Pause::Poll { deadline_ns })),
        end @ (Outcome::Pause(..) | Outcome::Shutdown(_) | Outcome::Iret) => {
            return Ok(Step::End(end));
        }
    };
    call.space().write(Gva(at.0.wrapping_add(RESULT)), &result)?;
    Ok(step)
}

/// Makes a call of a list: a list in a list is refused, and `iret` is the resident's.
fn make<M: Machine>(call: &mut Call<'_, M>, op: u64, args: &Args) -> Outcome {
    if op & !NO_RESTART == u64::from(MULTICALL) {
        return Outcome::Return(-EINVAL);
    }
    if op == u64::from(IRET) {
        return Outcome::Iret;
    }
    dispatch(call, op, args)
}

fn set_args<M: Machine>(call: &mut Call<'_, M>, at: Gva, left: &Args) -> Result<(), Fault> {
    call.space().write(Gva(at.0.wrapping_add(ARGS)), left)
}
