//! The way to a process behind SYSCALL.

use scenarios::programs::{Ring, Stage};
use xenolith_guest::{
    check_eq,
    entry::{Cause, Frame},
    irq::Flags,
    probe::pvops::continue_behind_syscall,
    scenario::Checks,
};

/// `mov rax, rcx; mov rbx, r11; syscall`
const PROGRAM: [u8; 8] = [0x48, 0x89, 0xc8, 0x4c, 0x89, 0xdb, 0x0f, 0x05];

/// `usergs_sysret64`: RCX and R11 are RIP and RFLAGS, all else is the frame's.
pub(crate) fn check_sysret(checks: &mut Checks, stage: &mut Stage) {
    for events in [Flags::IF, Flags::DISABLED] {
        let frame = stage.load(Ring::User, &PROGRAM, events);
        let Some(seen) = continue_behind_syscall(&frame) else {
            return checks.fail(format_args!("the process did not come back"));
        };
        check_eq!(checks, seen.cause(), Cause::SystemCall, "{events:?}");
        check_eq!(checks, seen.rip, frame.rip + PROGRAM.len() as u64, "{events:?}: rip");
        check_eq!(checks, seen.rax, frame.rip, "{events:?}: rcx was rip");
        // The processor's IF is set whatever the mask is.
        check_eq!(checks, seen.rbx | 0x200, frame.rflags | 0x200, "{events:?}: r11 was rflags");
        check_eq!(checks, seen.rsp, frame.rsp, "{events:?}: rsp");
        check_eq!(checks, seen.events(), events, "{events:?}: IF");
        let others = |it: &Frame| {
            [it.rdx, it.rsi, it.rdi, it.rbp, it.r8, it.r9, it.r10, it.r12, it.r13, it.r14, it.r15]
        };
        check_eq!(checks, others(&seen), others(&frame), "{events:?}: other registers");
    }
}
