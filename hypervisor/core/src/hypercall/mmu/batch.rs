//! Lists of requests: how they are counted and cut, alike for `mmu_update` and `mmuext_op`.
//!
//! The arguments are the list, its length, where the number of requests done is wanted (or null),
//! and the domain. A list that was cut has bit 31 of the length set: what has been done before is
//! then in the guest's own count.

use super::super::{Args, Outcome, OwnState, as_u32, handle};
use super::{Refusal, Tables};
use crate::address::Gva;
use crate::guest_access::is_reachable;
use xenolith_abi::errno::EFAULT;

/// Bit of the length: the list is not at its beginning.
const PREEMPTED: u32 = 1 << 31;

/// The arguments of a list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Batch {
    list: u64,
    count: u32,
    /// Where the count goes; 0 for nowhere.
    done_at: u64,
    /// Requests done before the list was cut.
    before: u32,
    pub(super) domain: u32,
    /// The argument that the call does not have; a cut leaves it as it is.
    unused: u64,
}

impl Batch {
    /// Takes the arguments of a call.
    ///
    /// # Errors
    ///
    /// The call's result, when there is nothing to look at.
    pub(super) fn new<S: OwnState>(state: &mut S, args: &Args) -> Result<Self, Outcome> {
        let [list, count, done_at, domain, unused] = *args;
        let (count, domain) = (as_u32(count), as_u32(domain));
        if count == PREEMPTED && list == 0 {
            // So Xen passes on the result of a list that has nothing left but to clean up.
            return Err(Outcome::Return(i64::from(domain.cast_signed())));
        }
        let mut before = 0;
        if count & PREEMPTED != 0 && done_at != 0 {
            before = state.space().read(handle(done_at)).unwrap_or(0);
        }
        if !is_reachable(handle(list)) {
            return Err(Outcome::Return(-EFAULT));
        }
        Ok(Self { list, count: count & !PREEMPTED, done_at, before, domain, unused })
    }

    /// Does the requests, each of `bytes` bytes, by `request`, which is told where it is.
    pub(super) fn run<S: OwnState>(
        &self,
        tables: &mut Tables<'_, S>,
        bytes: u64,
        mut request: impl FnMut(&mut Tables<'_, S>, Gva) -> Result<(), Refusal>,
    ) -> Outcome {
        for done in 0..self.count {
            let at = self.list.wrapping_add(u64::from(done) * bytes);
            if done != 0 && tables.state.preempt() {
                self.tell(tables.state, done);
                let left = (self.count - done) | PREEMPTED;
                let domain = u64::from(self.domain);
                return Outcome::Continue([at, left.into(), self.done_at, domain, self.unused]);
            }
            if let Err(Refusal(error)) = request(tables, handle(at)) {
                return self.end(tables.state, done, -error);
            }
        }
        self.end(tables.state, self.count, 0)
    }

    /// Ends the call with `result` after `done` requests.
    pub(super) fn end<S: OwnState>(&self, state: &mut S, done: u32, result: i64) -> Outcome {
        self.tell(state, done);
        Outcome::Return(result)
    }

    /// Writes the count, if it is wanted. Where it cannot be written it is not, as on Xen.
    fn tell<S: OwnState>(&self, state: &mut S, done: u32) {
        if self.done_at != 0 {
            let _ = state.space().write(handle(self.done_at), &self.before.wrapping_add(done));
        }
    }
}
