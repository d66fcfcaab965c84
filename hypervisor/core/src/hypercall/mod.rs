//! Hypercalls as functions: registers and state in, [`Outcome`] out.
//!
//! Arguments are as wide as Xen's C declarations make them: what Xen takes as `unsigned int` is cut
//! to 32 bits here too.

mod callback;
mod console;
mod debug_register;
mod descriptor;
mod dispatch;
mod event_channel;
mod exchange;
mod grant;
mod machine;
mod memory;
mod mmu;
mod multicall;
pub mod names;
mod outcome;
mod own_state;
mod physdev;
mod sched;
mod task;
mod timer;
mod trap;
pub mod unsupported;
mod vcpu;
mod version;
mod vm_assist;
mod xenolith;

pub use dispatch::{at_once, dispatch, in_brief, is_short, serve};
pub use machine::{EntryPoint, Machine};
pub use outcome::{Outcome, Pause, Then};
pub use own_state::OwnState;
pub use task::{FpuUse, SegmentBase};
pub use version::VERSION as XEN_VERSION;

use crate::address::{Gpa, Gva, to_u64};
use crate::domain::Domain;
use crate::guest_access::{Fault, GuestSpace};
use crate::vcpu::VcpuState;

/// The argument registers rdi, rsi, rdx, r10, r8.
pub type Args = [u64; 5];

/// The state a handler works on: the caller's domain, and the machine.
#[derive(Debug)]
pub struct Call<'a, M> {
    /// The calling domain.
    pub domain: &'a mut Domain,
    /// The calling vCPU.
    pub vcpu: &'a mut VcpuState,
    /// The machine.
    pub machine: &'a mut M,
}

impl<M: Machine> Call<'_, M> {
    /// Returns the caller's address space.
    fn space(&mut self) -> GuestSpace<'_, M::Memory> {
        self.machine.space()
    }

    /// Returns the caller as requests about page tables see it.
    fn tables(&mut self) -> mmu::Tables<'_, M> {
        mmu::Tables { state: self.machine, hole: &self.domain.hole, domain: self.domain.id }
    }
}

/// Returns the argument as Xen's `unsigned int`.
#[expect(clippy::cast_possible_truncation, reason = "this is what C does with the register")]
const fn as_u32(argument: u64) -> u32 {
    argument as u32
}

/// Turns a handler's result into an outcome.
fn finish(result: Result<i64, Fault>) -> Outcome {
    match result {
        Ok(value) => Outcome::Return(value),
        Err(fault) => fault.into(),
    }
}

/// Writes a word of the caller's [`VcpuData`](crate::resident::VcpuData).
fn publish_data<M: Machine>(call: &mut Call<'_, M>, offset: usize, word: u64) {
    let at = Gpa(call.domain.hole.data().0 + to_u64(offset));
    call.machine.publish(at, &word.to_le_bytes());
}

/// Returns the guest address in an argument register.
const fn handle(argument: u64) -> Gva {
    Gva(argument)
}

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzz;
#[cfg(any(test, feature = "fuzzing"))]
#[cfg_attr(not(test), allow(dead_code, reason = "tests use more of it than fuzzing"))]
mod test_machine;
#[cfg(test)]
mod tests;
