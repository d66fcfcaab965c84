//! What is logged of a guest that asks for what there is not.
//!
//! An error code alone tells who ports a kernel little, and many kernels ignore it. So that no guest
//! can fill the log, there are few lines in each second; those left out are counted.

use super::names::Named;
use super::{Args, Call, Machine};
use crate::address::{Gpa, to_u64};
use crate::guest_memory::GuestMemory;
use crate::resident::VcpuData;
use core::fmt;
use core::mem::offset_of;
use xenolith_abi::errno::{ENOSYS, EOPNOTSUPP};

/// Lines in each period.
const LINES: u32 = 10;
/// Lines that are left out between two looks at the clock.
const LOOK: u64 = 16;
/// The period, in nanoseconds.
const PERIOD_NS: u64 = 1_000_000_000;
/// Bytes of the SYSCALL instruction.
const SYSCALL_BYTES: u64 = 2;

/// How many lines there were of late.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Limit {
    /// Where the period began, in nanoseconds of system time.
    since_ns: u64,
    /// Lines in it that were logged.
    lines: u32,
    /// Lines that were left out since the last one that was logged.
    left_out: u64,
}

impl Limit {
    /// Makes a limit that nothing has counted for yet.
    pub const fn new() -> Self {
        Self { since_ns: 0, lines: 0, left_out: 0 }
    }

    /// Counts a line; `now_ns` tells the time. Returns `None` if it is to be left out, else how many
    /// were since the last one.
    #[inline]
    pub fn count(&mut self, now_ns: impl FnOnce() -> u64) -> Option<u64> {
        let is_full = self.lines >= LINES;
        // Where there are many, the clock is looked at for one in some only; for the first of them,
        // since it may come much later.
        if is_full && !self.left_out.is_multiple_of(LOOK) {
            self.left_out += 1;
            return None;
        }
        let now_ns = now_ns();
        if now_ns.saturating_sub(self.since_ns) >= PERIOD_NS {
            (self.since_ns, self.lines) = (now_ns, 0);
        } else if is_full {
            self.left_out += 1;
            return None;
        }
        self.lines += 1;
        Some(core::mem::take(&mut self.left_out))
    }
}

/// Returns whether `result` says that there is no such call or operation.
#[inline]
pub const fn is_refusal(result: i64) -> bool {
    result == -ENOSYS || result == -EOPNOTSUPP
}

/// Logs that call `number` was answered with `result`, for which [`is_refusal`] holds.
#[cold]
pub fn log<M: Machine>(call: &mut Call<'_, M>, number: u64, args: &Args, result: i64) {
    let machine = &*call.machine;
    let Some(left_out) = call.domain.unsupported.count(|| machine.now_ns()) else { return };
    log_call(call, left_out, Named { number, args: *args }, result);
}

#[inline(never)]
fn log_call<M: Machine>(call: &mut Call<'_, M>, left_out: u64, named: Named, result: i64) {
    let at = call.domain.hole.data().0 + to_u64(offset_of!(VcpuData, return_rip));
    let behind = call.machine.memory().read_word(Gpa(at)).unwrap_or(0);
    let answer = if result == -ENOSYS { "-ENOSYS" } else { "-EOPNOTSUPP" };
    let rip = behind.wrapping_sub(SYSCALL_BYTES);
    write(call, left_out, rip, format_args!("{named} is not supported: {answer}"));
}

/// Logs `what` a guest asked for at `rip`, within its limit.
#[cold]
pub fn log_line<M: Machine>(call: &mut Call<'_, M>, rip: u64, what: fmt::Arguments<'_>) {
    let machine = &*call.machine;
    let Some(left_out) = call.domain.unsupported.count(|| machine.now_ns()) else { return };
    write(call, left_out, rip, what);
}

fn write<M: Machine>(call: &mut Call<'_, M>, left_out: u64, rip: u64, what: fmt::Arguments<'_>) {
    let (domain, vcpu) = (call.domain.id.0, call.vcpu.id.0);
    if left_out != 0 {
        call.machine.log(format_args!("domain {domain}: {left_out} lines like this were left out"));
    }
    // Who shows the log puts a name to an address at the end of a line.
    call.machine.log(format_args!("domain {domain} vcpu {vcpu}: {what}, asked for at {rip:#018x}"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hypercall::test_machine::Caller;

    #[test]
    fn ten_lines_each_second_are_let_through() {
        let mut limit = Limit::new();
        for n in 0..30 {
            let shown = if n < 10 { Some(0) } else { None };
            assert_eq!(limit.count(|| 5 + n), shown, "{n}");
        }
        // The clock is not looked at yet.
        let silent = (0..100).take_while(|_| limit.count(|| PERIOD_NS).is_none()).count();
        assert_eq!(silent, 12, "20 are left out, and behind the 32nd is the next look");
        assert_eq!(limit.count(|| PERIOD_NS + 1), Some(0));
    }

    #[test]
    fn a_line_long_after_the_last_is_let_through() {
        let mut limit = Limit { since_ns: 0, lines: LINES, left_out: 0 };
        assert_eq!(limit.count(|| 3600 * PERIOD_NS), Some(0));
    }

    #[test]
    fn a_clock_that_goes_back_opens_no_new_period() {
        let mut limit = Limit { since_ns: 2 * PERIOD_NS, lines: LINES, left_out: 0 };
        assert_eq!(limit.count(|| 0), None);
    }

    #[test]
    fn a_call_that_is_not_supported_is_logged_with_its_arguments() {
        let mut caller = Caller::new();
        caller.call(35_u32, &[1, 2, 3, 4, 5]);
        caller.call(29_u32, &[99, 0, 0, 0, 0]);
        caller.call(29_u32, &[3, 0, 0, 0, 0]);
        let expected = ["sysctl(0x1)", "sched_op(0x63, 0x0)"];
        let expected = expected.map(|call| {
            format!(
                "domain 7 vcpu 0: {call} is not supported: -ENOSYS, asked for at 0xfffffffffffffffe"
            )
        });
        assert_eq!(caller.machine.logged, expected);
    }

    #[test]
    fn lines_that_are_left_out_are_counted_in_the_next() {
        let mut caller = Caller::new();
        for _ in 0..LINES + 5 {
            caller.call(35_u32, &[]);
        }
        caller.machine.now_ns = PERIOD_NS;
        for _ in 0..LOOK {
            caller.call(35_u32, &[]);
        }
        let logged = &caller.machine.logged;
        assert_eq!(logged[10], "domain 7: 16 lines like this were left out");
        assert_eq!(logged.len(), 16, "10, the count, and 5 from the look on");
    }
}
