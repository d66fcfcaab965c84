//! The ways to a process, and back into the kernel.

use scenarios::programs::{Ring, Stage, exception};
use xenolith_guest::{
    check, check_eq,
    entry::{Cause, Frame},
    irq::Flags,
    probe::{exception::continue_with, msr, pvops::continue_behind_syscall},
    pvops::Op,
    scenario::Checks,
};

use crate::{is_bare, tally::Tally};

/// `mov rax, rcx; mov rbx, r11; syscall`
const PROGRAM: [u8; 8] = [0x48, 0x89, 0xc8, 0x4c, 0x89, 0xdb, 0x0f, 0x05];

/// `nop; nop`, behind which is INT3.
const NOPS: [u8; 2] = [0x90, 0x90];

/// TF, NT, AC, and what can be in a process's flags beside.
const TF: u64 = 1 << 8;
const OTHERS: u64 = 0xcd5 | 1 << 14 | 1 << 18;

/// IA32_GS_BASE and IA32_KERNEL_GS_BASE.
const BASES: [u32; 2] = [0xc000_0101, 0xc000_0102];

pub(crate) fn check(checks: &mut Checks, tally: &mut Tally, stage: &mut Stage) {
    let bases = BASES.map(msr::read);
    check_sysret(checks, stage);
    check_iret(checks, stage);
    check_flags(checks, stage);
    check_not_canonical(checks, stage);
    check_eq!(checks, BASES.map(msr::read), bases, "the bases of GS");
    tally.covers(&[Op::Iret, Op::UsergsSysret64]);
}

fn behind_syscall(checks: &mut Checks, frame: &Frame) -> Frame {
    let seen = continue_behind_syscall(frame);
    check!(checks, seen.is_some(), "the process comes back");
    seen.unwrap_or_default()
}

/// All registers but RAX, RBX, RCX and R11.
fn others(it: &Frame) -> [u64; 11] {
    [it.rdx, it.rsi, it.rdi, it.rbp, it.r8, it.r9, it.r10, it.r12, it.r13, it.r14, it.r15]
}

/// `usergs_sysret64`: RCX and R11 are RIP and RFLAGS, all else is the frame's.
fn check_sysret(checks: &mut Checks, stage: &mut Stage) {
    for events in [Flags::IF, Flags::DISABLED] {
        let frame = stage.load(Ring::User, &PROGRAM, events);
        let seen = behind_syscall(checks, &frame);
        check_eq!(checks, seen.cause(), Cause::SystemCall, "{events:?}");
        check_eq!(checks, seen.rip, frame.rip + PROGRAM.len() as u64, "{events:?}: rip");
        check_eq!(checks, seen.rax, frame.rip, "{events:?}: rcx was rip");
        // Under Xenolith the processor's IF is set whatever the mask is.
        let own = if is_bare() { 0 } else { 0x200 };
        check_eq!(checks, seen.rbx | own, frame.rflags | own, "{events:?}: r11 was rflags");
        check_eq!(checks, seen.rsp, frame.rsp, "{events:?}: rsp");
        check_eq!(checks, seen.events(), events, "{events:?}: IF");
        check_eq!(checks, others(&seen), others(&frame), "{events:?}: other registers");
    }
}

/// `iret`: RCX and R11 too are the frame's, to a process and in the kernel.
fn check_iret(checks: &mut Checks, stage: &mut Stage) {
    for (ring, events) in
        Ring::ALL.iter().flat_map(|&it| [Flags::IF, Flags::DISABLED].map(|events| (it, events)))
    {
        let frame = stage.load(ring, &PROGRAM[..6], events);
        let seen = continue_with(&frame);
        check_eq!(checks, seen.cause(), exception(3), "{ring:?} {events:?}");
        check_eq!(checks, seen.rip, frame.rip + 7, "{ring:?} {events:?}: rip");
        check_eq!(checks, [seen.rax, seen.rbx], [frame.rcx, frame.r11], "{ring:?}: rcx and r11");
        check_eq!(checks, seen.rsp, frame.rsp, "{ring:?} {events:?}: rsp");
        check_eq!(checks, seen.events(), events, "{ring:?} {events:?}: IF");
        check_eq!(checks, seen.is_user(), ring == Ring::User, "{ring:?}: code selector");
        check_eq!(checks, others(&seen), others(&frame), "{ring:?}: other registers");
    }
}

/// Both load all flags; with TF, one instruction is executed before the trap.
fn check_flags(checks: &mut Checks, stage: &mut Stage) {
    for flags in [0, OTHERS, TF, TF | OTHERS] {
        let mut frame = stage.load(Ring::User, &NOPS, Flags::IF);
        frame.rflags |= flags;
        let (end, rip) = if flags & TF != 0 { (1, 1) } else { (3, 3) };
        for (name, seen) in
            [("sysret", behind_syscall(checks, &frame)), ("iret", continue_with(&frame))]
        {
            check_eq!(checks, seen.cause(), exception(end), "{name}, {flags:#x}");
            check_eq!(checks, seen.rip, frame.rip + rip, "{name}, {flags:#x}: rip");
            check_eq!(checks, seen.rflags, frame.rflags, "{name}, {flags:#x}: flags");
        }
    }
}

/// An address that is not canonical is never the end of the kernel: on bare hardware IRETQ faults in
/// ring 0, on the kernel's stack; the hypervisor has the process fault.
fn check_not_canonical(checks: &mut Checks, stage: &mut Stage) {
    for rip in [1 << 47, 0x5eed_0000_0000_0000, u64::MAX >> 1] {
        let frame = Frame { rip, ..stage.load(Ring::User, &NOPS, Flags::IF) };
        for (name, seen) in
            [("sysret", behind_syscall(checks, &frame)), ("iret", continue_with(&frame))]
        {
            check_eq!(checks, seen.cause(), exception(13), "{name}, {rip:#x}");
            check_eq!(checks, seen.error_code, 0, "{name}, {rip:#x}: error code");
            check_eq!(checks, seen.is_user(), !is_bare(), "{name}, {rip:#x}: where it faults");
        }
    }
}
