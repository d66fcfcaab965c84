use super::super::Outcome::{Return, Shutdown, Yield};
use super::super::test_machine::{Caller, MISSING};
use crate::guest_access::test_space::BASE;
use crate::shutdown::ShutdownReason;
use xenolith_abi::errno::ENOSYS;
use xenolith_abi::hypercall::SCHED_OP;

#[test]
fn yield_needs_no_argument() {
    for pointer in [0, MISSING, 0x8000_0000_0000] {
        assert_eq!(Caller::new().call(SCHED_OP, &[0, pointer]), Yield);
    }
    assert_eq!(Caller::new().call(SCHED_OP, &[1 << 32, 0]), Yield, "32 bits count");
}

#[test]
fn a_shutdown_has_a_reason() {
    use ShutdownReason::{Crash, Poweroff, Reboot, SoftReset, Suspend, Unknown, Watchdog};
    for (reason, want) in [
        (0_u32, Poweroff),
        (1, Reboot),
        (2, Suspend),
        (3, Crash),
        (4, Watchdog),
        (5, SoftReset),
        (6, Unknown(6)),
        (0xff, Unknown(0xff)),
        (0x100, Poweroff),
        (0xffff_ff01, Reboot),
    ] {
        let mut caller = Caller::new();
        caller.put(BASE, &[reason, 0xdddd_dddd]);
        assert_eq!(caller.call(SCHED_OP, &[2, BASE]), Shutdown(want), "{reason:#x}");
        assert_eq!(caller.call(SCHED_OP, &[1 << 32 | 2, BASE]), Shutdown(want), "{reason:#x}");
    }
}

#[test]
fn unknown_operations() {
    for operation in [8, 9, 1 << 31, 0xffff_ffff, 1 << 32 | 8] {
        assert_eq!(Caller::new().call(SCHED_OP, &[operation, BASE]), Return(-ENOSYS));
    }
}
