//! A process in compatibility mode: 32-bit code under a 64-bit kernel.
//!
//! It has other instructions, among them INTO and BOUND, and its system calls come by `int 0x80`. Its
//! frame is 64 bits wide like any other.
//! Expected: the kernel is entered in 64-bit mode on its own stack; selectors, instruction pointer,
//! stack pointer and flags are the process's; SYSCALL, which Intel's processors do not have there, is an
//! exception, and so is SYSENTER without a callback. With one, the callback's frame has a null `cs` and
//! zeros for what the processor does not tell.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};

use scenarios::programs::{Ring, Stage, exception, expected, without_resume_flag};
use xenolith_guest::{
    StartInfo,
    abi::{
        callback::FLAG_MASK_EVENTS,
        segment::{FLAT_USER_CS32, FLAT_USER_SS, FLAT_USER_SS32},
    },
    check_eq,
    entry::{self, Frame, PtRegs, Vector},
    hypercall::callback::Kind,
    irq::{EventsOffLock, Flags, native_save_flags},
    paging::Level,
    probe::{Window, callbacks, exception::continue_with, tables},
    scenario::Checks,
    shared_info::shared_info,
    traps,
    x86_64::{VirtAddr, structures::paging::PageTableFlags},
};

xenolith_guest::scenario!(run);

/// What the callback of SYSENTER last found: its frame, the mask, and the processor's flags.
static ENTERED: EventsOffLock<Option<Frame>> = EventsOffLock::new(None);
static MASK: AtomicU8 = AtomicU8::new(0);
static IN_HANDLER: AtomicU64 = AtomicU64::new(0);

/// Where the process is: one page of code, data and stack.
const BASE: u64 = 0x10_0000;
const DATA: u64 = BASE + 0x400;
const STACK: u64 = BASE + 0xff0;
/// An address of the lower 4 GiB that is not mapped.
const UNMAPPED: u64 = 0xfff0_0000;
/// Pages of the window: the process's, and those of the tables that map it.
const PAGE: usize = Stage::FREE;
const TABLES: [(Level, usize); 4] =
    [(Level::Four, PAGE + 1), (Level::Three, PAGE + 2), (Level::Two, PAGE + 3), (Level::One, PAGE)];

const OF: u64 = 1 << 11;
const TF: u64 = 1 << 8;

/// A program, which reaches memory by SS, the one data segment that IRET loads: its name, its bytes, its registers; the vector, the error code, how far EIP has come.
type Program = (&'static str, &'static [u8], fn(&mut Frame), u8, u64, u64);

/// The instruction.
const SYSENTER: &[u8] = &[0x0f, 0x34];
const NT: u64 = 1 << 14;
const AC: u64 = 1 << 18;

const PROGRAMS: &[Program] = &[
    ("INT3", &[0xcc], |_| {}, 3, 0, 1),
    ("INC EAX, which 64-bit code has not", &[0x40], |f| f.rax = 0, 3, 0, 2),
    ("INT 0x80", &[0xcd, 0x80], |_| {}, 0x80, 0, 2),
    ("INT 0x81, which is not open", &[0xcd, 0x81], |_| {}, 13, 0x81 * 8 + 2, 0),
    ("INTO with OF", &[0xce], |f| f.rflags |= OF, 4, 0, 1),
    ("INTO without OF", &[0xce], |_| {}, 3, 0, 2),
    ("BOUND, too large", &[0x36, 0x62, 0x03], |f| (f.rax, f.rbx) = (9, DATA), 5, 0, 0),
    ("BOUND, within", &[0x36, 0x62, 0x03], |f| (f.rax, f.rbx) = (7, DATA), 3, 0, 4),
    ("AAM by 0", &[0xd4, 0], |_| {}, 0, 0, 0),
    ("UD2", &[0x0f, 0x0b], |_| {}, 6, 0, 0),
    ("single step", &[0x90, 0x90], |f| f.rflags |= TF, 1, 0, 1),
    ("load by a null selector", &[0x8b, 0x03], |f| f.rbx = DATA, 13, 0, 0),
    ("load of nothing", &[0x36, 0x8b, 0x03], |f| f.rbx = UNMAPPED, 14, 4, 0),
    ("store to nothing", &[0x36, 0x89, 0x03], |f| f.rbx = UNMAPPED, 14, 6, 0),
    ("far call of 64-bit code", &[0x9a, 0, 0, 0, 0, 0x50, 0xe0], |_| {}, 13, 0xe050, 0),
    ("HLT", &[0xf4], |_| {}, 13, 0, 0),
    ("SYSCALL, on a processor of Intel's", &[0x0f, 0x05], |_| {}, 6, 0, 0),
    ("SYSENTER without a callback", SYSENTER, |_| {}, 13, 0, 0),
];

fn run(checks: &mut Checks, start: &'static StartInfo) {
    let mut stage = match Stage::build(start) {
        Ok(stage) => stage,
        Err(error) => return checks.fail(format_args!("exceptions: {error}")),
    };
    check_eq!(checks, traps::install_vector(Vector(0x80), 3), Ok(()));
    check_eq!(checks, traps::install_vector(Vector(0x81), 0), Ok(()));
    for (level, page) in TABLES {
        stage.window.restore(page);
        stage.window.fill(page * 4096, 4096, 0);
        let flags = Window::DATA | PageTableFlags::USER_ACCESSIBLE;
        let entry = stage.window.own_frame(page).as_u64() | flags.bits();
        let replaced =
            tables::replace_entry(stage.window.space(), VirtAddr::new(BASE), level, entry);
        check_eq!(checks, replaced.is_ok(), true, "table of {level:?}");
    }
    // Bounds of an array, 5 to 8.
    stage.window.write(PAGE * 4096 + 0x400, &[5, 0, 0, 0, 8, 0, 0, 0]);
    for program in PROGRAMS {
        for events in [Flags::IF, Flags::DISABLED] {
            check_program(checks, &mut stage, program, events);
        }
    }
    traps::set_system_call_handler(Some(note));
    check_sysenter(checks, &mut stage);
    traps::set_system_call_handler(None);
}

/// Checks SYSENTER with a callback that masks events, one that does not, and none again.
fn check_sysenter(checks: &mut Checks, stage: &mut Stage) {
    for masks in [FLAG_MASK_EVENTS, 0] {
        let registered = callbacks::register(Kind::Sysenter, masks, entry::syscall_address());
        check_eq!(checks, registered, Ok(()));
        for events in [Flags::IF, Flags::DISABLED] {
            for flags in [0, NT, AC, OF] {
                let mut start = load(stage, SYSENTER, events);
                start.rflags |= flags;
                let what = format_args!("SYSENTER, {masks}, {events:?}, flags {flags:#x}");
                MASK.store(u8::MAX, Relaxed);
                let seen = continue_with(&start);
                check_eq!(checks, seen.cause(), exception(3), "{what}: where it goes on");
                let mask = u8::from(masks != 0 || !events.is_enabled());
                check_eq!(checks, MASK.load(Relaxed), mask, "{what}: mask in the callback");
                check_eq!(checks, IN_HANDLER.load(Relaxed) & (NT | AC | OF), 0, "{what}: flags");
                let mut wanted = Frame { rip: 0, rsp: 0, ss: FLAT_USER_SS.into(), ..start };
                wanted.cs = u64::from(!events.is_enabled()) << 32 | 3;
                let found = ENTERED.lock().take();
                let found = found.map(|found| Frame { cause: wanted.cause, ..found });
                check_eq!(checks, found, Some(wanted), "{what}: frame");
            }
        }
    }
    let taken = callbacks::register(Kind::Sysenter, 0, VirtAddr::zero());
    check_eq!(checks, taken, Ok(()));
    let start = load(stage, SYSENTER, Flags::IF);
    let seen = continue_with(&start);
    check_eq!(checks, seen.cause(), exception(13), "SYSENTER, the callback gone");
}

/// Notes what a callback finds, and has the process go on behind its instruction.
fn note(frame: &mut PtRegs) {
    MASK.store(shared_info().vcpu(0).upcall_mask().load(Relaxed), Relaxed);
    IN_HANDLER.store(native_save_flags(), Relaxed);
    *ENTERED.lock() = Some(**frame);
    frame.rip = BASE + 2;
    frame.cs = FLAT_USER_CS32.into();
    frame.rsp = STACK;
}

fn check_program(
    checks: &mut Checks,
    stage: &mut Stage,
    &(name, code, prepare, vector, error_code, distance): &Program,
    events: Flags,
) {
    let mut start = load(stage, code, events);
    prepare(&mut start);
    let seen = continue_with(&start);
    let what = format_args!("{name}, {events:?}");
    check_eq!(checks, seen.cause(), exception(vector), "{what}: vector");
    let mut wanted = expected(&start, &seen, start.rip + distance, error_code);
    if code == [0x40] {
        (wanted.rax, wanted.rflags) = (1, seen.rflags);
    }
    check_eq!(checks, without_resume_flag(&seen), wanted, "{what}");
    if vector == 14 {
        check_eq!(checks, shared_info().vcpu(0).cr2(), UNMAPPED, "{what}: cr2");
    }
}

/// Puts code in place; returns registers of 32 bits that start it, and 0 in those it does not have.
fn load(stage: &mut Stage, code: &[u8], events: Flags) -> Frame {
    const INT3: u8 = 0xcc;
    const LOW: u64 = 0xffff_ffff;
    stage.window.fill(PAGE * 4096, 64, INT3);
    stage.window.write(PAGE * 4096, code);
    let pattern = stage.load(Ring::User, &[], events);
    Frame {
        rip: BASE,
        rsp: STACK,
        cs: FLAT_USER_CS32.into(),
        ss: FLAT_USER_SS32.into(),
        rax: pattern.rax & LOW,
        rbx: pattern.rbx & LOW,
        rcx: pattern.rcx & LOW,
        rdx: pattern.rdx & LOW,
        rsi: pattern.rsi & LOW,
        rdi: pattern.rdi & LOW,
        rbp: pattern.rbp & LOW,
        rflags: pattern.rflags,
        ..Frame::default()
    }
}
