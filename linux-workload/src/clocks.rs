//! Clocks: they go on and never back, sleeping takes as long as was asked for, and asking for the
//! time needs no system call.

use std::time::{Duration, Instant, SystemTime};

use nix::libc;
use nix::sys::ptrace;
use nix::sys::signal::{Signal, raise};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork};

use crate::checks::Checks;

/// Runs all.
pub(crate) fn run(checks: &mut Checks) {
    let mut last = Instant::now();
    let mut back = 0;
    for _ in 0..50_000 {
        let now = Instant::now();
        back += u32::from(now < last);
        last = now;
    }
    checks.result("clock-went-back", back);
    let start = Instant::now();
    (0..20).for_each(|_| std::thread::sleep(Duration::from_millis(5)));
    let slept = start.elapsed();
    checks.result("slept-enough", slept >= Duration::from_millis(100));
    checks.check(slept < Duration::from_secs(2), "sleeping takes as long as was asked for");
    let year = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map(|it| it.as_secs());
    checks.check(year.is_ok_and(|seconds| seconds > 1_700_000_000), "the date is a date");
}

/// Looks at what the CPU's time went to. Nobody takes any from a domain that is alone, so its
/// runstate says that it waited for none.
pub(crate) fn check_steal(checks: &mut Checks) {
    let text = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("cpu "));
    let ticks: Vec<u64> =
        line.unwrap_or_default().split_whitespace().filter_map(|it| it.parse().ok()).collect();
    let (used, steal) = (ticks.first().copied().unwrap_or(0), ticks.get(7).copied());
    checks.check(used != 0, &format!("processes have used the CPU: {ticks:?}"));
    checks.check(steal == Some(0), &format!("no time is stolen: {ticks:?}"));
}

/// Asks for the time in a child whose system calls are looked at. A host may need them.
pub(crate) fn check_without_calls(checks: &mut Checks) {
    // SAFETY: the process has one thread here.
    let made = match unsafe { fork() }.expect("a process can be forked") {
        ForkResult::Child => {
            ptrace::traceme().expect("the parent traces");
            raise(Signal::SIGSTOP).expect("a signal can be sent");
            let times = (0..100).map(|_| (Instant::now(), SystemTime::now()));
            std::process::exit(i32::from(times.count() != 100))
        }
        ForkResult::Parent { child } => calls_for_time(child),
    };
    checks.check(made == 0, &format!("clock_gettime makes no system calls, but {made}"));
}

/// How often a child asks the kernel for the time from its stop until its end.
fn calls_for_time(child: Pid) -> u32 {
    waitpid(child, None).expect("the child is waited for");
    let mut calls = 0;
    loop {
        ptrace::syscall(child, None).expect("the child goes on");
        match waitpid(child, None).expect("the child is waited for") {
            WaitStatus::Stopped(..) => {
                let call = ptrace::getregs(child).expect("it has registers").orig_rax;
                calls += u32::from(i64::try_from(call) == Ok(libc::SYS_clock_gettime));
            }
            _ => return calls,
        }
    }
}
