//! Timers: `set_timer_op` and those of `vcpu_op`.

use super::{Call, Machine};
use crate::address::Gva;
use crate::guest_access::Fault;
use xenolith_abi::errno::{EINVAL, ETIME};
use xenolith_abi::vcpu::{SSHOTTMR_FUTURE, SetPeriodicTimer, SetSingleshotTimer};

/// A deadline of `set_timer_op` is not taken at its word when it is further away than this.
const FAR_NS: u64 = 1 << 50;
/// When such a deadline is due instead: it may stand for "at once", or for "never".
const MIDDLE_GROUND_NS: u64 = 100_000_000;

/// Sets the one-shot timer to a deadline in ns; 0 stops it.
#[inline]
pub(super) fn set_timer_op<M: Machine>(call: &mut Call<'_, M>, mut deadline: u64) -> i64 {
    if deadline == 0 {
        call.vcpu.timers.stop_single();
        return 0;
    }
    let now = call.machine.now_ns();
    if is_negative(deadline) || deadline.saturating_sub(now) >= FAR_NS {
        deadline = now.saturating_add(MIDDLE_GROUND_NS);
    }
    call.vcpu.timers.set_single(deadline);
    call.machine.arm(deadline);
    0
}

pub(super) fn set_single<M: Machine>(call: &mut Call<'_, M>, argument: Gva) -> Result<i64, Fault> {
    let timer: SetSingleshotTimer = call.space().read(argument)?;
    let deadline = timer.timeout_abs_ns;
    if timer.flags & SSHOTTMR_FUTURE != 0 && deadline < call.machine.now_ns() {
        return Ok(-ETIME);
    }
    // A negative time has passed.
    let deadline = if is_negative(deadline) { 0 } else { deadline };
    call.vcpu.timers.set_single(deadline);
    call.machine.arm(deadline);
    Ok(0)
}

pub(super) fn stop_single<M: Machine>(call: &mut Call<'_, M>) -> i64 {
    call.vcpu.timers.stop_single();
    0
}

pub(super) fn set_periodic<M: Machine>(
    call: &mut Call<'_, M>,
    argument: Gva,
) -> Result<i64, Fault> {
    let timer: SetPeriodicTimer = call.space().read(argument)?;
    let now = call.machine.now_ns();
    if call.vcpu.timers.set_periodic(timer.period_ns, now).is_err() {
        return Ok(-EINVAL);
    }
    call.machine.arm(now.saturating_add(timer.period_ns));
    Ok(0)
}

pub(super) fn stop_periodic<M: Machine>(call: &mut Call<'_, M>) -> i64 {
    call.vcpu.timers.stop_periodic();
    0
}

/// Returns whether Xen, whose times are signed, sees a time before 0.
pub(super) const fn is_negative(time_ns: u64) -> bool {
    time_ns.cast_signed() < 0
}
