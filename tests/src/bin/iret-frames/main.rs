//! The `iret` hypercall with frames that are odd or bad, beyond those of `iret`.
//!
//! The processor refuses such a frame in the resident, in ring 0, half way into another one; root has
//! to turn that into what the target would have met. What is refused there without being noticed, or
//! noticed too late, is the kernel's stack with a process's GS.
//! Expected: for each bad selector the exception and error code of the processor's own IRET, at the
//! target, in the kernel, with GS swapped back; odd stack pointers go through; RCX and R11 as SYSRET
//! leaves them if the frame says that it answers a system call, else the frame's own; RF counts.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use scenarios::programs::{Ring, Stage, exception, expected, without_resume_flag};
use xenolith_guest::{
    StartInfo,
    abi::segment::{FLAT_USER_CS32, FLAT_USER_SS64},
    check, check_eq,
    entry::Frame,
    hypercall::debug_register,
    irq::{self, Flags},
    probe::{debug, descriptors, exception::continue_with, iret, msr},
    scenario::Checks,
    x86_64::VirtAddr,
};

xenolith_guest::scenario!(run);

/// Descriptors, from selector 8 on: absent 64-bit code and absent data of ring 3; 64-bit code of
/// ring 0; 64-bit code of ring 3, conforming; data of ring 3 that cannot be written; a task state
/// segment; code of ring 3 that is of 16 bits and of 64 at once, as L and D are both set.
const DESCRIPTORS: [u64; 9] = [
    0,
    0x00af_7b00_0000_ffff,
    0x00cf_7300_0000_ffff,
    0x00af_9b00_0000_ffff,
    0x00af_ff00_0000_ffff,
    0x00cf_f100_0000_ffff,
    0x0000_8900_0000_0067,
    0,
    0x00ef_fb00_0000_ffff,
];
const ABSENT_CODE: u64 = 0x8;
const ABSENT_DATA: u64 = 0x10;
const KERNELS_CODE: u64 = 0x18;
const CONFORMING_CODE: u64 = 0x20;
const READ_ONLY_DATA: u64 = 0x28;
const TASK: u64 = 0x30;
const IMPOSSIBLE_CODE: u64 = 0x40;

/// What an absent stack is to IRET: #SS by the manual's pseudocode, #NP by its list of exceptions.
const ABSENT_STACK: u8 = 12;
const OR_ABSENT_SEGMENT: u8 = 11;

/// A bad pair of selectors: code, stack, the exception and its error code.
type Bad = (u64, u64, u8, u64);

const CS: u64 = 0xe033;
const SS: u64 = FLAT_USER_SS64 as u64;

const BAD: &[Bad] = &[
    (3, SS, 13, 0),
    (ABSENT_CODE | 3, SS, 11, ABSENT_CODE),
    (KERNELS_CODE | 3, SS, 13, KERNELS_CODE),
    (READ_ONLY_DATA | 3, SS, 13, READ_ONLY_DATA),
    (TASK | 3, SS, 13, TASK),
    (IMPOSSIBLE_CODE | 3, SS, 13, IMPOSSIBLE_CODE),
    (0x1003, SS, 13, 0x1000),
    (0xffff, SS, 13, 0xfffc),
    (7, SS, 13, 4),
    // The ring of the frame is 1 or 2: there is no code for it.
    (CS & !2, SS, 13, CS & !3),
    (CS & !1, SS, 13, CS & !3),
    (CS, 3, 13, 0),
    (CS, 0, 13, 0),
    (CS, ABSENT_DATA | 3, ABSENT_STACK, ABSENT_DATA),
    (CS, READ_ONLY_DATA | 3, 13, READ_ONLY_DATA),
    (CS, CS, 13, CS & !3),
    (CS, 0xe058, 13, 0xe058),
    (CS, TASK | 3, 13, TASK),
    (CS, 0x1003, 13, 0x1000),
    (CS, 7, 13, 4),
];

fn run(checks: &mut Checks, start: &'static StartInfo) {
    let mut stage = match Stage::build(start) {
        Ok(stage) => stage,
        Err(error) => return checks.fail(format_args!("exceptions: {error}")),
    };
    stage.share(Stage::FREE, &DESCRIPTORS);
    let table = stage.window.own_frame(Stage::FREE);
    check_eq!(checks, descriptors::set_gdt(&[table], 512), Ok(()));
    for bad in BAD {
        for events in [Flags::IF, Flags::DISABLED] {
            check_bad(checks, &mut stage, bad, events);
        }
    }
    check_good(checks, &mut stage);
    check_stacks(checks, &mut stage);
    check_answers(checks, &mut stage);
    check_resume_flag(checks, &mut stage);
    check_frame_on_page_end(checks, &mut stage);
}

const GS_BASE: u32 = 0xc000_0101;

fn check_bad(checks: &mut Checks, stage: &mut Stage, &(cs, ss, vector, code): &Bad, events: Flags) {
    let start = Frame { cs, ss, ..stage.load(Ring::User, &[], events) };
    let before = irq::save_fl();
    msr::write(GS_BASE, 0x1234_5000);
    let seen = continue_with(&start);
    let what = format_args!("cs {cs:#x} ss {ss:#x}, {events:?}");
    check_eq!(checks, msr::read(GS_BASE), 0x1234_5000, "{what}: the kernel's GS");
    check_eq!(checks, irq::save_fl(), before, "{what}: events of who waited");
    let also = if vector == ABSENT_STACK { OR_ABSENT_SEGMENT } else { vector };
    let cause = seen.cause();
    let right = cause == exception(vector) || cause == exception(also);
    check!(checks, right, "{what}: {cause:?} instead of vector {vector}");
    let wanted = expected(&start, &seen, start.rip, code);
    // The hypercall sets the low bits of ss.
    let wanted = Frame { ss: ss | 3, ..wanted };
    check_eq!(checks, without_resume_flag(&seen), wanted, "{what}");
}

/// Selectors that are unusual and good: conforming code, and code of 32 bits.
fn check_good(checks: &mut Checks, stage: &mut Stage) {
    let start = stage.load(Ring::User, &[], Flags::IF);
    let start = Frame { cs: CONFORMING_CODE | 3, ..start };
    let seen = continue_with(&start);
    check_eq!(checks, seen.cause(), exception(3), "conforming code");
    check_eq!(checks, seen.code_selector(), 0x23, "conforming code");
    // 32-bit code cannot be where the window is: it faults at the low half of the address.
    let start = Frame { cs: FLAT_USER_CS32.into(), ..start };
    let seen = continue_with(&start);
    check_eq!(checks, seen.code_selector(), FLAT_USER_CS32, "code of 32 bits");
    check!(checks, seen.is_user(), "code of 32 bits");
    check_eq!(checks, seen.rip, start.rip & 0xffff_ffff, "code of 32 bits");
}

/// A process's stack pointer may be anything: it is not looked at before the process uses it.
fn check_stacks(checks: &mut Checks, stage: &mut Stage) {
    for rsp in [0, 1, 0xffff_8000_0000_0000, 0x5eed_0000_0000_0000, u64::MAX] {
        let start = Frame { rsp, ..stage.load(Ring::User, &[], Flags::IF) };
        let seen = continue_with(&start);
        check_eq!(checks, seen.cause(), exception(3), "rsp {rsp:#x}");
        check_eq!(checks, seen, expected(&start, &seen, start.rip + 1, 0), "rsp {rsp:#x}");
    }
}

fn check_answers(checks: &mut Checks, stage: &mut Stage) {
    for events in [Flags::IF, Flags::DISABLED] {
        let start = stage.load(Ring::User, &[], events);
        let seen = iret::answer_system_call(&start);
        check_eq!(checks, seen.cause(), exception(3), "answer, {events:?}");
        check_eq!(checks, seen.rcx, start.rip, "answer, {events:?}: rcx");
        // The processor's own flags, whose IF is always set in a process.
        let flags = start.rflags | Flags::IF.bits();
        check_eq!(checks, seen.r11, flags, "answer, {events:?}: r11");
        let wanted = expected(&start, &seen, start.rip + 1, 0);
        let wanted = Frame { rcx: seen.rcx, r11: seen.r11, ..wanted };
        check_eq!(checks, seen, wanted, "answer, {events:?}");
    }
    // The kernel makes no system calls: there the flag means nothing.
    let start = stage.load(Ring::Kernel, &[], Flags::IF);
    let seen = iret::answer_system_call(&start);
    check_eq!(checks, seen, expected(&start, &seen, start.rip + 1, 0), "answer to the kernel");
}

/// A breakpoint at the target stops there, unless RF is set.
fn check_resume_flag(checks: &mut Checks, stage: &mut Stage) {
    const RF: u64 = 1 << 16;
    const EXECUTION: u64 = 0x402;
    const HIT: u64 = 0xffff_0ff1;
    for ring in Ring::ALL {
        let start = stage.load(ring, &[0x90], Flags::IF);
        check_eq!(checks, debug_register::set(0, start.rip), Ok(()), "{ring:?}");
        check_eq!(checks, debug_register::set(6, 0), Ok(()), "{ring:?}");
        check_eq!(checks, debug_register::set(7, EXECUTION), Ok(()), "{ring:?}");
        let stopped = continue_with(&start);
        let status = debug::read_status();
        let resumed = continue_with(&Frame { rflags: start.rflags | RF, ..start });
        debug::write_control(0x400);
        check_eq!(checks, stopped.cause(), exception(1), "{ring:?}: breakpoint");
        let wanted = expected(&start, &stopped, start.rip, 0);
        check_eq!(checks, without_resume_flag(&stopped), wanted, "{ring:?}: breakpoint");
        check_eq!(checks, status, HIT, "{ring:?}: DR6");
        check_eq!(checks, resumed.cause(), exception(3), "{ring:?}: RF");
        check_eq!(checks, resumed.rip, start.rip + 2, "{ring:?}: RF");
    }
}

/// The hypercall's frame may end with the page, where the next one is not mapped.
fn check_frame_on_page_end(checks: &mut Checks, stage: &mut Stage) {
    const WORDS: usize = 9;
    let page = Stage::FREE + 1;
    let target = stage.load(Ring::User, &[], Flags::IF);
    let (rax, r11, rcx) = (1, 2, 3);
    let words = [rax, r11, rcx, 0, target.rip, target.cs, target.rflags, target.rsp, target.ss];
    let offset = (page + 1) * 4096 - WORDS * 8;
    for (index, word) in words.into_iter().enumerate() {
        stage.window.write(offset + index * 8, &u64::to_le_bytes(word));
    }
    stage.window.unmap(page + 1);
    let rsp: VirtAddr = stage.window.address(offset);
    let seen = iret::at(rsp).unwrap_or_default();
    check_eq!(checks, seen.cause(), exception(3), "frame at the end of a page");
    check_eq!(checks, (seen.rax, seen.r11, seen.rcx), (rax, r11, rcx), "its registers");
    check_eq!(checks, (seen.rip, seen.rsp), (target.rip + 1, target.rsp), "its target");
    stage.window.restore(page + 1);
}
