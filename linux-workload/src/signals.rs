//! Signals: sent, by timers, and by exceptions of the CPU.

use std::arch::asm;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::libc;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, raise, sigaction};

use crate::checks::Checks;
use crate::processes::end_of_child;

/// How often the handler has run.
static HANDLED: AtomicU32 = AtomicU32::new(0);

extern "C" fn count(_: libc::c_int) {
    HANDLED.fetch_add(1, Ordering::Relaxed);
}

/// Has `signal` counted from now on.
pub(crate) fn handle(signal: Signal) {
    HANDLED.store(0, Ordering::Relaxed);
    let action = SigAction::new(SigHandler::Handler(count), SaFlags::SA_RESTART, SigSet::empty());
    // SAFETY: the handler touches an atomic only.
    unsafe { sigaction(signal, &action) }.expect("the signal can be handled");
}

/// Runs all.
pub(crate) fn run(checks: &mut Checks) {
    handle(Signal::SIGUSR1);
    (0..200).for_each(|_| raise(Signal::SIGUSR1).expect("a signal can be sent"));
    checks.result("signals", HANDLED.load(Ordering::Relaxed));
    checks.result("timer", timer(10));
    checks.result("exceptions", exceptions());
}

/// Waits for so many signals of an interval timer, computing all the time.
fn timer(wanted: u32) -> u32 {
    handle(Signal::SIGALRM);
    set_interval(5000);
    while HANDLED.load(Ordering::Relaxed) < wanted {
        std::hint::spin_loop();
    }
    set_interval(0);
    wanted
}

/// Sets the interval timer, or with 0 stops it.
fn set_interval(microseconds: i64) {
    let interval = libc::timeval { tv_sec: 0, tv_usec: microseconds };
    let timer = libc::itimerval { it_interval: interval, it_value: interval };
    // SAFETY: the timer is a structure of ours.
    unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut()) };
}

/// How children end that execute what the CPU does not let them.
fn exceptions() -> String {
    let cases: [fn(); 6] = [
        // SAFETY: what each of these does to the process is that it ends.
        || unsafe { asm!("ud2") },
        // SAFETY: as above.
        || unsafe { asm!("int3") },
        // SAFETY: as above.
        || unsafe { asm!("hlt") },
        // SAFETY: as above; the processor refuses both the division and the result.
        || unsafe { asm!("xor edx, edx", "div edx", out("eax") _, out("edx") _) },
        // SAFETY: as above; the address is not canonical.
        || unsafe { asm!("mov rax, [{}]", in(reg) 1_u64 << 62, out("rax") _) },
        // SAFETY: as above; the address is the kernel's.
        || unsafe { asm!("mov rax, [{}]", in(reg) 0xffff_8880_0000_0000_u64, out("rax") _) },
    ];
    let ends = cases.map(|case| {
        end_of_child(|| {
            case();
            0
        })
    });
    format!("{ends:?}")
}
