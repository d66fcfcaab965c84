//! Xenolith's own hypercall, announced in its CPUID leaf.

use super::{Args, Call, Machine, Outcome, as_u32, finish, handle};
use crate::address::{Gva, to_usize};
use crate::guest_access::Fault;
use xenolith_abi::errno::ENOSYS;
use xenolith_abi::xenolith::{EXIT_COUNTS, EXIT_REASON_SLOTS};
use zerocopy::IntoBytes;

pub(super) fn xenolith_op<M: Machine>(call: &mut Call<'_, M>, args: &Args) -> Outcome {
    let [operation, buffer, slots, ..] = *args;
    finish(match as_u32(operation) {
        EXIT_COUNTS => exit_counts(call, handle(buffer), slots),
        _ => Ok(-ENOSYS),
    })
}

/// Copies the first `slots` counts of the caller's exits, or as many as there are.
fn exit_counts<M: Machine>(call: &mut Call<'_, M>, to: Gva, slots: u64) -> Result<i64, Fault> {
    let mut counts = [0; EXIT_REASON_SLOTS];
    let from = call.machine.exit_counts();
    let len = counts.len().min(from.len()).min(to_usize(slots));
    counts[..len].copy_from_slice(&from[..len]);
    call.space().copy_out(to, counts[..len].as_bytes())?;
    Ok(i64::try_from(len).expect("a small number"))
}
