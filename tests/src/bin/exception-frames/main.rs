//! Every exception that software can raise, from the kernel and from a process.
//!
//! The same bytes run in both rings, with events enabled and disabled. Each exception has its own way
//! through the processor, the resident and root: with an error code or without, as a fault or as a
//! trap, with an exit or without one.
//! Expected: the vector, the error code, and every other word and register as it was.
//!
//! What is not here cannot be raised: #TS needs a task register of the kernel's own, vectors 9, 15
//! and 22 to 31 do not exist, #VE and #CP belong to features that are hidden, #DF and #MC reach no
//! handler. NMIs are in `nmi`, the error codes of #PF in `page-fault`.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use scenarios::programs::{Ring, Stage, exception, expected, without_resume_flag};
use xenolith_guest::{
    StartInfo,
    abi::hypercall::XEN_VERSION,
    check_eq,
    entry::{Cause, Frame},
    hypercall::task::{FpuUse, fpu_taskswitch},
    irq::Flags,
    probe::{descriptors, exception::continue_with},
    scenario::Checks,
    x86_64::VirtAddr,
};

xenolith_guest::scenario!(run);

/// Changes the registers with which a program starts; gets the page with the data below.
type Prepare = fn(&mut Frame, VirtAddr);

/// A program: its name, the rings it runs in, its bytes, its registers; the vector, the error code
/// and how far RIP has come.
type Program = (&'static str, &'static [Ring], &'static [u8], Prepare, u8, u64, u64);

const BOTH: &[Ring] = &Ring::ALL;
const KERNEL: &[Ring] = &[Ring::Kernel];
const USER: &[Ring] = &[Ring::User];

/// Where nothing can be.
const NOT_CANONICAL: u64 = 0x5eed_0000_0000_0000;
/// `mov rax, [rbx]`
const LOAD: &[u8] = &[0x48, 0x8b, 0x03];
/// `mov ds, eax`, `mov ss, eax`
const MOV_DS: &[u8] = &[0x8e, 0xd8];
const MOV_SS: &[u8] = &[0x8e, 0xd0];
const TF: u64 = 1 << 8;
const AC: u64 = 1 << 18;

/// Descriptors: nothing; data that is not present, of ring 3 and of ring 0; a 64-bit task state
/// segment of two entries.
const DESCRIPTORS: [u64; 5] =
    [0, 0x00cf_7300_0000_ffff, 0x00cf_1300_0000_ffff, 0x0000_8900_0000_0067, 0];
const ABSENT_OF_USER: u64 = 8;
const ABSENT_OF_KERNEL: u64 = 16;

/// What programs read: a control word of the x87 that masks no division by zero, and one of SSE that
/// masks nothing.
const DATA: [u64; 2] = [0x037b, 0];

const PROGRAMS: &[Program] = &[
    ("division by zero", BOTH, &[0xf7, 0xf1], |f, _| f.rcx = 0, 0, 0, 0),
    ("quotient too large", BOTH, &[0x48, 0xf7, 0xf3], |f, _| (f.rdx, f.rbx) = (1, 1), 0, 0, 0),
    ("single step", BOTH, &[0x90, 0x90], |f, _| f.rflags |= TF, 1, 0, 1),
    ("INT1", BOTH, &[0xf1], |_, _| {}, 1, 0, 1),
    ("INT3", BOTH, &[0xcc], |_, _| {}, 3, 0, 1),
    ("INT 3", BOTH, &[0xcd, 3], |_, _| {}, 3, 0, 2),
    ("INT 4, since INTO is no 64-bit instruction", BOTH, &[0xcd, 4], |_, _| {}, 4, 0, 2),
    ("INT 5, since BOUND is none either", KERNEL, &[0xcd, 5], |_, _| {}, 5, 0, 2),
    ("INTO", BOTH, &[0xce], |_, _| {}, 6, 0, 0),
    ("UD2", BOTH, &[0x0f, 0x0b], |_, _| {}, 6, 0, 0),
    ("LOCK of a register", BOTH, &[0xf0, 0x01, 0xc0], |_, _| {}, 6, 0, 0),
    ("SYSENTER, which has no callback", BOTH, &[0x0f, 0x34], |_, _| {}, 13, 0, 0),
    ("VMCALL", BOTH, &[0x0f, 0x01, 0xc1], |_, _| {}, 6, 0, 0),
    ("FNOP under TS", BOTH, &[0xd9, 0xd0], |_, _| trap_fpu(), 7, 0, 0),
    ("XORPS under TS", BOTH, &[0x0f, 0x57, 0xc0], |_, _| trap_fpu(), 7, 0, 0),
    ("absent data", BOTH, MOV_DS, |f, _| f.rax = ABSENT_OF_USER, 11, ABSENT_OF_USER, 0),
    ("absent data, RPL 3", BOTH, MOV_DS, |f, _| f.rax = ABSENT_OF_USER | 3, 11, ABSENT_OF_USER, 0),
    ("absent stack", KERNEL, MOV_SS, |f, _| f.rax = ABSENT_OF_KERNEL, 12, ABSENT_OF_KERNEL, 0),
    ("absent stack", USER, MOV_SS, |f, _| f.rax = ABSENT_OF_USER | 3, 12, ABSENT_OF_USER, 0),
    ("RBP not canonical", BOTH, &[0x48, 0x8b, 0x45, 0], |f, _| f.rbp = NOT_CANONICAL, 12, 0, 0),
    ("PUSH, RSP not canonical", USER, &[0x50], |f, _| f.rsp = NOT_CANONICAL, 12, 0, 0),
    ("stack of another ring", USER, MOV_SS, |f, _| f.rax = 0xe058, 13, 0xe058, 0),
    ("stack of another ring", KERNEL, MOV_SS, |f, _| f.rax = 0xe02b, 13, 0xe028, 0),
    ("null stack", USER, MOV_SS, |f, _| f.rax = 3, 13, 0, 0),
    ("kernel's data", USER, MOV_DS, |f, _| f.rax = 0xe058, 13, 0xe058, 0),
    ("task state segment as data", BOTH, MOV_DS, |f, _| f.rax = 24, 13, 24, 0),
    ("behind the table", BOTH, MOV_DS, |f, _| f.rax = 0xfff8, 13, 0xfff8, 0),
    ("without a local table", BOTH, MOV_DS, |f, _| f.rax = 0x1c, 13, 0x1c, 0),
    ("load, not canonical", BOTH, LOAD, |f, _| f.rbx = NOT_CANONICAL, 13, 0, 0),
    ("jump, not canonical", BOTH, &[0xff, 0xe3], |f, _| f.rbx = NOT_CANONICAL, 13, 0, 0),
    ("HLT", BOTH, &[0xf4], |_, _| {}, 13, 0, 0),
    ("RDMSR of nothing", BOTH, &[0x0f, 0x32], |f, _| f.rcx = 0x1234_5678, 13, 0, 0),
    ("WRMSR of nothing", BOTH, &[0x0f, 0x30], |f, _| f.rcx = 0x1234_5678, 13, 0, 0),
    ("CLI", USER, &[0xfa], |_, _| {}, 13, 0, 0),
    ("IN", USER, &[0xec], |_, _| {}, 13, 0, 0),
    ("MOV to CR0", USER, &[0x0f, 0x22, 0xc0], |_, _| {}, 13, 0, 0),
    ("MOV from DR7", USER, &[0x0f, 0x21, 0xf8], |_, _| {}, 13, 0, 0),
    ("SWAPGS", USER, &[0x0f, 0x01, 0xf8], |_, _| {}, 13, 0, 0),
    // FNINIT; FLDCW [RBX]; FLDZ; FLD1; FDIVRP; FWAIT
    ("x87 error", BOTH, X87_ERROR, |f, data| f.rbx = data.as_u64(), 16, 0, 10),
    ("misaligned", USER, LOAD, misalign, 17, 0, 0),
    ("misaligned, SSE's way", BOTH, &[0x0f, 0x28, 0x03], misalign_vector, 13, 0, 0),
    // LDMXCSR [RBX + 8]; XORPS XMM0, XMM0; XORPS XMM1, XMM1; DIVSS XMM0, XMM1
    ("SSE error", BOTH, SSE_ERROR, |f, data| f.rbx = data.as_u64(), 19, 0, 10),
];

const X87_ERROR: &[u8] = &[0xdb, 0xe3, 0xd9, 0x2b, 0xd9, 0xee, 0xd9, 0xe8, 0xde, 0xf1, 0x9b];
const SSE_ERROR: &[u8] =
    &[0x0f, 0xae, 0x53, 0x08, 0x0f, 0x57, 0xc0, 0x0f, 0x57, 0xc9, 0xf3, 0x0f, 0x5e, 0xc1];

fn trap_fpu() {
    let _ = fpu_taskswitch(FpuUse::Trapped);
}

fn misalign(frame: &mut Frame, data: VirtAddr) {
    frame.rbx = data.as_u64() + 1;
    frame.rflags |= AC;
}

fn misalign_vector(frame: &mut Frame, data: VirtAddr) {
    frame.rbx = data.as_u64() + 8;
}

fn run(checks: &mut Checks, start: &'static StartInfo) {
    let mut stage = match Stage::build(start) {
        Ok(stage) => stage,
        Err(error) => return checks.fail(format_args!("exceptions: {error}")),
    };
    let data = stage.share(Stage::FREE, &DATA);
    let table = stage.share(Stage::FREE + 1, &DESCRIPTORS);
    let frame = stage.window.own_frame(Stage::FREE + 1);
    check_eq!(checks, descriptors::set_gdt(&[frame], 512), Ok(()), "set_gdt, {table:?}");
    for program in PROGRAMS {
        for &ring in program.1 {
            for events in [Flags::IF, Flags::DISABLED] {
                check_program(checks, &mut stage, program, ring, events, data);
            }
        }
    }
    check_no_alignment_check(checks, &mut stage, data);
    check_steps_over_calls(checks, &mut stage);
}

fn check_program(
    checks: &mut Checks,
    stage: &mut Stage,
    &(name, _, code, prepare, vector, error_code, distance): &Program,
    ring: Ring,
    events: Flags,
    data: VirtAddr,
) {
    let mut start = stage.load(ring, code, events);
    prepare(&mut start, data);
    let seen = continue_with(&start);
    let _ = fpu_taskswitch(FpuUse::Allowed);
    let what = format_args!("{name}, {ring:?}, {events:?}");
    check_eq!(checks, seen.cause(), exception(vector), "{what}: vector");
    let wanted = expected(&start, &seen, start.rip + distance, error_code);
    check_eq!(checks, without_resume_flag(&seen), wanted, "{what}");
}

/// A single step over SYSCALL ends behind the instruction that comes after it: SYSCALL clears TF, and
/// the way back sets it again.
fn check_steps_over_calls(checks: &mut Checks, stage: &mut Stage) {
    // SYSCALL; NOP; NOP
    const CODE: &[u8] = &[0x0f, 0x05, 0x90, 0x90];
    for events in [Flags::IF, Flags::DISABLED] {
        let start = stage.load(Ring::User, CODE, events);
        let start = Frame { rflags: start.rflags | TF, ..start };
        let call = continue_with(&start);
        check_eq!(checks, call.cause(), Cause::SystemCall, "step over SYSCALL, {events:?}");
        check_eq!(checks, call.rflags, start.rflags, "step over SYSCALL, {events:?}: rflags");
        check_eq!(checks, call.rip, start.rip + 2, "step over SYSCALL, {events:?}: rip");
        let step = continue_with(&call);
        check_eq!(checks, step.cause(), exception(1), "step behind SYSCALL, {events:?}");
        check_eq!(checks, step.rip, start.rip + 3, "step behind SYSCALL, {events:?}");
        let start = stage.load(Ring::Kernel, CODE, events);
        let (rax, rdi) = (XEN_VERSION.into(), 0);
        let start = Frame { rax, rdi, rflags: start.rflags | TF, ..start };
        let step = continue_with(&start);
        check_eq!(checks, step.cause(), exception(1), "step over a hypercall, {events:?}");
        check_eq!(checks, step.rip, start.rip + 3, "step over a hypercall, {events:?}");
        check_eq!(checks, step.rflags, start.rflags, "step over a hypercall, {events:?}");
        check_eq!(checks, step.rax, 0x4_0011, "step over a hypercall, {events:?}: its answer");
    }
}

/// The kernel's accesses are not checked for alignment, whatever AC says.
fn check_no_alignment_check(checks: &mut Checks, stage: &mut Stage, data: VirtAddr) {
    let mut start = stage.load(Ring::Kernel, LOAD, Flags::IF);
    misalign(&mut start, data);
    let seen = continue_with(&start);
    check_eq!(checks, seen.cause(), exception(3), "misaligned, in the kernel");
    check_eq!(checks, seen.rip, start.rip + 4, "misaligned, in the kernel");
}
