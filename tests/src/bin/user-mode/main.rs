//! Steps into ring 3, and what comes back.
//!
//! The way in is the `iret` hypercall, the way back a system call or an exception. The kernel's
//! stack, selectors and mask must be in place, and nothing of the process may be lost.
//! Expected: every word of the frame, all registers, events as the frame said, for each way back;
//! going on resumes the process where it was. The same on bare hardware, but for the mask.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use xenolith_guest::{
    StartInfo,
    abi::segment::{FLAT_USER_CS64, FLAT_USER_SS64},
    check, check_eq,
    entry::{Cause, Frame, Vector},
    irq::{self, Flags},
    paging::AddressSpace,
    probe::{Window, registers::Registers},
    pvops::{self, World},
    scenario::Checks,
    shared_info::shared_info,
    traps, user,
    x86_64::{VirtAddr, structures::paging::PageTableFlags},
};

xenolith_guest::scenario!(run);

/// Offset of the program, and its page.
const CODE: usize = 0;
/// Offset of a page of the kernel's.
const KERNELS: usize = 2 * 4096;
/// End of the program's stack.
const STACK_END: usize = 2 * 4096;

/// A program: its name, its bytes, what ends it, the error code, and how far RIP has come.
type Program = (&'static str, &'static [u8], Cause, u64, u64);

const PROGRAMS: &[Program] = &[
    ("system call", &[0x0f, 0x05], Cause::SystemCall, 0, 2),
    ("breakpoint", &[0xcc], exception(3), 0, 1),
    ("overflow", &[0xcd, 4], exception(4), 0, 2),
    ("invalid opcode", &[0x0f, 0x0b], exception(6), 0, 0),
    ("divide error", &[0x31, 0xc9, 0xf7, 0xf1], exception(0), 0, 2),
    ("halt", &[0xf4], exception(13), 0, 0),
    ("disable interrupts", &[0xfa], exception(13), 0, 0),
    ("software interrupt of the kernel", &[0xcd, 13], exception(13), 13 * 8 + 2, 0),
    ("software interrupt of nobody", &[0xcd, 0x80], exception(13), 0x80 * 8 + 2, 0),
    ("control register", &[0x0f, 0x20, 0xd8], exception(13), 0, 0),
    ("port", &[0xe4, 0x80], exception(13), 0, 0),
    ("hypercall of the machine", &[0x0f, 0x01, 0xc1], exception(6), 0, 0),
];

const fn exception(vector: u8) -> Cause {
    Cause::Exception(Vector(vector))
}

/// Whether there is no hypervisor: frames are the processor's, without a mask.
fn is_bare() -> bool {
    pvops::world() == World::Native
}

fn run(checks: &mut Checks, start: &'static StartInfo) {
    let mut window = Window::take(start);
    let user = Window::DATA | PageTableFlags::USER_ACCESSIBLE;
    window.map(0, window.own_frame(0), user);
    window.map(1, window.own_frame(1), user);
    check_eq!(checks, traps::install(), Ok(()));
    check_eq!(checks, user::install(), Ok(()));
    for program in PROGRAMS {
        for events in [Flags::IF, Flags::DISABLED] {
            check_program(checks, &mut window, program, events);
        }
    }
    check_page_faults(checks, &mut window, start);
    check_resuming(checks, &mut window);
}

/// Puts a program into its page and returns a frame that starts it, with registers that all differ.
fn load(window: &mut Window, code: &[u8]) -> Frame {
    window.fill(CODE, 4096, 0xcc);
    window.write(CODE, code);
    let mut frame = user::program(window.address(CODE), window.address(STACK_END));
    let pattern = Registers::pattern(frame.rip);
    (frame.rax, frame.rbx, frame.rcx, frame.rdx) =
        (pattern.rax, pattern.rbx, pattern.rcx, pattern.rdx);
    (frame.rsi, frame.rdi, frame.rbp) = (pattern.rsi, pattern.rdi, pattern.rbp);
    (frame.r8, frame.r9, frame.r10, frame.r11) = (pattern.r8, pattern.r9, pattern.r10, pattern.r11);
    (frame.r12, frame.r13, frame.r14, frame.r15) =
        (pattern.r12, pattern.r13, pattern.r14, pattern.r15);
    frame
}

fn check_program(
    checks: &mut Checks,
    window: &mut Window,
    &(name, code, cause, error_code, distance): &Program,
    events: Flags,
) {
    let mut start = load(window, code);
    start.rflags = 2 | events.bits();
    let mut frame = start;
    let before = irq::save_fl();
    check_eq!(checks, user::run(&mut frame), cause, "{name}");
    check_eq!(checks, irq::save_fl(), before, "{name}: events afterwards");
    check_eq!(checks, frame.error_code, error_code, "{name}: error code");
    check_eq!(checks, frame.rip, start.rip + distance, "{name}: rip");
    check_frame(checks, name, &frame, events);
    let mut expected = Frame { cause: frame.cause, error_code, rip: frame.rip, ..start };
    (expected.cs, expected.rflags, expected.ss) = (frame.cs, frame.rflags, frame.ss);
    if cause == Cause::SystemCall {
        // SYSCALL puts RIP and RFLAGS there, and Xen's frame shows them.
        (expected.rcx, expected.r11) = (frame.rcx, frame.r11);
        check_eq!(checks, frame.rcx, frame.rip, "{name}: rcx");
    }
    if name == "divide error" {
        (expected.rcx, expected.rdx) = (0, frame.rdx);
    }
    check_eq!(checks, frame, expected, "{name}: registers");
}

/// Checks the words that every way back from ring 3 has in common.
fn check_frame(checks: &mut Checks, name: &str, frame: &Frame, events: Flags) {
    let mask = u64::from(!events.is_enabled() && !is_bare());
    check_eq!(checks, frame.cs, mask << 32 | u64::from(FLAT_USER_CS64), "{name}: cs");
    check_eq!(checks, frame.ss, u64::from(FLAT_USER_SS64), "{name}: ss");
    check_eq!(checks, frame.events(), events, "{name}: IF");
    check_eq!(checks, frame.rflags & IOPL, 0, "{name}: IOPL");
}

/// The I/O privilege level in RFLAGS.
const IOPL: u64 = 3 << 12;

/// Accesses of a process that its pages do not allow.
fn check_page_faults(checks: &mut Checks, window: &mut Window, start: &'static StartInfo) {
    /// `mov rax, [rbx]`
    const LOAD: &[u8] = &[0x48, 0x8b, 0x03];
    /// `mov [rbx], rax`
    const STORE: &[u8] = &[0x48, 0x89, 0x03];
    /// `jmp rbx`
    const JUMP: &[u8] = &[0xff, 0xe3];
    const UNMAPPED: u64 = 0x1234_5678_9000;
    let kernels = window.address(KERNELS).as_u64();
    let hole = 0xffff_8000_0000_0000;
    let space = AddressSpace::of_boot(start);
    check!(checks, space.translate(VirtAddr::new(kernels)).is_ok(), "the kernel has its page");
    for (name, code, address, error_code) in [
        ("load of nothing", LOAD, UNMAPPED, 4),
        ("store to nothing", STORE, UNMAPPED, 6),
        ("jump to nothing", JUMP, UNMAPPED, 0x14),
        ("load of the kernel's", LOAD, kernels, 5),
        ("store to the kernel's", STORE, kernels, 7),
        ("jump to the kernel's", JUMP, kernels, 0x15),
        // Bare there is none, and nothing is mapped there.
        ("load of the hypervisor's", LOAD, hole, if is_bare() { 4 } else { 5 }),
    ] {
        let mut frame = load(window, code);
        frame.rbx = address;
        let from = frame.rip;
        check_eq!(checks, user::run(&mut frame), exception(14), "{name}");
        check_eq!(checks, frame.error_code, error_code, "{name}: error code");
        check_eq!(checks, pvops::read_cr2(), address, "{name}: cr2");
        let recorded = if is_bare() { 0 } else { address };
        check_eq!(checks, shared_info().vcpu(0).cr2(), recorded, "{name}: cr2 in the record");
        let rip = if code == JUMP { address } else { from };
        check_eq!(checks, frame.rip, rip, "{name}: rip");
        check_frame(checks, name, &frame, Flags::IF);
    }
}

/// A process that makes many system calls goes on behind each.
fn check_resuming(checks: &mut Checks, window: &mut Window) {
    // `2: inc rax; syscall; jmp 2b`
    let mut frame = load(window, &[0x48, 0xff, 0xc0, 0x0f, 0x05, 0xeb, 0xf9]);
    let start = frame;
    for call in 1..=100 {
        check_eq!(checks, user::run(&mut frame), Cause::SystemCall, "call {call}");
        check_eq!(checks, frame.rax, start.rax.wrapping_add(call), "rax in call {call}");
        check_eq!(checks, frame.rsp, start.rsp, "rsp in call {call}");
        check_eq!(checks, frame.r15, start.r15, "r15 in call {call}");
    }
}
