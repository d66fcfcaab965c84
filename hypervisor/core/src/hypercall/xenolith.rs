//! Xenolith's own hypercall, announced in its CPUID leaf.

use super::{Args, Call, Machine, Outcome, as_u32, finish, handle};
use crate::address::{Gva, to_usize};
use crate::event_channel::operations::within;
use crate::event_channel::{Port, PortRecord};
use crate::guest_access::Fault;
use crate::steps::Arrival;
use core::ops::RangeInclusive;
use xenolith_abi::errno::{EINVAL, ENOSYS, EOPNOTSUPP, EPERM};
use xenolith_abi::xenolith::{EVENT_AFTER, EVENT_ARRIVAL, EventArrival, MAX_EVENT_TICKS};
use xenolith_abi::xenolith::{EXIT_COUNTS, EXIT_REASON_SLOTS};
use zerocopy::IntoBytes;

/// Ticks that can be waited for.
const ALLOWED_TICKS: RangeInclusive<u32> = 1..=MAX_EVENT_TICKS;

pub(super) fn xenolith_op<M: Machine>(call: &mut Call<'_, M>, args: &Args) -> Outcome {
    let [operation, first, second, ..] = *args;
    finish(match as_u32(operation) {
        EXIT_COUNTS => exit_counts(call, handle(first), second),
        EVENT_AFTER | EVENT_ARRIVAL if !call.domain.may_step => Ok(-EPERM),
        EVENT_AFTER => Ok(event_after(call, Port(as_u32(first)), second)),
        EVENT_ARRIVAL => event_arrival(call, handle(first)),
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

/// Has an event raised at `port` after so many ticks of the TSC that the caller runs.
fn event_after<M: Machine>(call: &mut Call<'_, M>, port: Port, ticks: u64) -> i64 {
    let Some(ticks) = u32::try_from(ticks).ok().filter(|ticks| ALLOWED_TICKS.contains(ticks))
    else {
        return -EINVAL;
    };
    let record = within(call.machine, call.domain.id, |channels, _| channels.ports().record(port));
    if !record.is_ok_and(PortRecord::is_in_use) {
        return -EINVAL;
    }
    if !call.machine.begin_steps(ticks) {
        return -EOPNOTSUPP;
    }
    call.vcpu.steps.begin(port);
    0
}

/// Ends the wait; writes where the event came, and returns 1, if it did.
fn event_arrival<M: Machine>(call: &mut Call<'_, M>, to: Gva) -> Result<i64, Fault> {
    call.machine.end_steps();
    let Some(Arrival { rip, mask }) = call.vcpu.steps.end() else { return Ok(0) };
    let resident = call.domain.hole.text().0;
    let arrival = EventArrival { rip, resident, mask: mask.into() };
    call.space().write(to, &arrival).map(|()| 1)
}
