//! The way back from every entry: the `iret` hypercall, to both rings, with good and bad frames.
//!
//! It must restore all at once: a mask that is restored too early lets an upcall into a frame half
//! taken, a privilege it believes gives a process the machine.
//! Expected: the mask is the opposite of the frame's IF in all four combinations; flags a kernel may
//! choose are chosen, others are not; selectors of the kernel are replaced; a target that cannot be
//! is the exception that the target would raise.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use xenolith_guest::{
    StartInfo,
    abi::{
        segment::{FLAT_USER_CS64, FLAT_USER_SS64},
        xenolith::{KERNEL_CS, KERNEL_SS},
    },
    check_eq,
    entry::{Cause, Frame, Vector},
    irq::{self, Flags},
    probe::{Window, exception::continue_with},
    scenario::Checks,
    traps, user,
    x86_64::structures::paging::PageTableFlags,
};

xenolith_guest::scenario!(run);

/// Pages of the window with an INT3 at their start: a process's and the kernel's.
const OF_USER: usize = 0;
const OF_KERNEL: usize = 2;

const BREAKPOINT: Cause = Cause::Exception(Vector(3));
const PROTECTION: Cause = Cause::Exception(Vector(13));

fn run(checks: &mut Checks, start: &'static StartInfo) {
    let mut window = Window::take(start);
    let user = Window::DATA | PageTableFlags::USER_ACCESSIBLE;
    for (page, flags) in [(OF_USER, user), (1, user), (OF_KERNEL, Window::DATA), (3, Window::DATA)]
    {
        window.map(page, window.own_frame(page), flags);
    }
    window.write(OF_USER * 4096, &[0xcc]);
    window.write(OF_KERNEL * 4096, &[0xcc]);
    check_eq!(checks, traps::install(), Ok(()));
    check_eq!(checks, user::install(), Ok(()));
    let targets = [("process", to_user(&window)), ("kernel", to_kernel(&window))];
    for (name, target) in &targets {
        check_mask(checks, name, target);
        check_flags(checks, name, target);
        check_bad_rip(checks, name, target);
    }
    check_kernel_selectors(checks, &targets[1].1);
    check_user_selectors(checks, &targets[0].1);
}

fn to_user(window: &Window) -> Frame {
    user::program(window.address(OF_USER * 4096), window.address(2 * 4096))
}

fn to_kernel(window: &Window) -> Frame {
    Frame {
        rip: window.address(OF_KERNEL * 4096).as_u64(),
        cs: KERNEL_CS.into(),
        rflags: 2,
        rsp: window.address(4 * 4096).as_u64(),
        ss: KERNEL_SS.into(),
        ..Frame::default()
    }
}

/// All four combinations of the mask before and IF in the frame.
fn check_mask(checks: &mut Checks, name: &str, target: &Frame) {
    for before in [Flags::IF, Flags::DISABLED] {
        for after in [Flags::IF, Flags::DISABLED] {
            irq::irq_disable();
            irq::restore_fl(before);
            let frame = continue_with(&Frame { rflags: 2 | after.bits(), ..*target });
            check_eq!(checks, frame.cause(), BREAKPOINT, "{name}");
            check_eq!(checks, frame.rip, target.rip + 1, "{name}: rip");
            check_eq!(checks, frame.rsp, target.rsp, "{name}: rsp");
            check_eq!(checks, frame.events(), after, "{name}: IF, {before:?} before");
            let mask = u8::from(!after.is_enabled());
            check_eq!(checks, frame.saved_mask(), mask, "{name}: mask, {before:?} before");
            check_eq!(checks, irq::save_fl(), before, "{name}: events of who waited");
        }
    }
    irq::irq_disable();
}

/// CF, PF, AF, ZF, SF, DF, OF, NT, AC and ID.
const CHOSEN: u64 = 0x24_4cd5;
/// TF would be another exception than the one waited for.
const TF: u64 = 1 << 8;

/// One flag at a time.
fn check_flags(checks: &mut Checks, name: &str, target: &Frame) {
    for flag in (0..64).map(|bit| 1_u64 << bit).filter(|&flag| flag != TF) {
        let frame = continue_with(&Frame { rflags: flag, ..*target });
        check_eq!(checks, frame.cause(), BREAKPOINT, "{name}: flag {flag:#x}");
        let expected = 2 | flag & (CHOSEN | Flags::IF.bits());
        check_eq!(checks, frame.rflags, expected, "{name}: flag {flag:#x}");
        check_eq!(checks, frame.is_user(), target.is_user(), "{name}: flag {flag:#x}");
    }
    let frame = continue_with(&Frame { rflags: 2 | TF, rip: target.rip, ..*target });
    // The trap of the single step comes behind INT3's own, in whose handler TF is clear.
    check_eq!(checks, frame.cause(), BREAKPOINT, "{name}: single step");
    check_eq!(checks, frame.rflags, 2 | TF, "{name}: single step");
}

/// Addresses at which no code can be.
fn check_bad_rip(checks: &mut Checks, name: &str, target: &Frame) {
    for rip in [0x8000_0000_0000, 0x5eed_0000_0000_0000, 0xffff_7fff_ffff_ffff] {
        for events in [Flags::IF, Flags::DISABLED] {
            let wanted = Frame { rip, rflags: 2 | events.bits(), ..*target };
            let frame = continue_with(&wanted);
            check_eq!(checks, frame.cause(), PROTECTION, "{name}: rip {rip:#x}");
            check_eq!(checks, frame.error_code, 0, "{name}: rip {rip:#x}: error code");
            check_eq!(checks, frame.rip, rip, "{name}: rip");
            check_eq!(checks, frame.rsp, target.rsp, "{name}: rsp, rip {rip:#x}");
            check_eq!(checks, frame.events(), events, "{name}: IF, rip {rip:#x}");
            check_eq!(checks, frame.is_user(), target.is_user(), "{name}: ring, rip {rip:#x}");
        }
    }
    let nowhere = 0x1234_5678_9000;
    let frame = continue_with(&Frame { rip: nowhere, ..*target });
    check_eq!(checks, frame.cause(), Cause::Exception(Vector(14)), "{name}: unmapped rip");
    check_eq!(checks, frame.rip, nowhere, "{name}: unmapped rip");
    let code = if target.is_user() { 0x14 } else { 0x10 };
    check_eq!(checks, frame.error_code, code, "{name}: unmapped rip: error code");
}

/// Whatever selectors a frame of the kernel's has, the kernel goes on with its own.
fn check_kernel_selectors(checks: &mut Checks, target: &Frame) {
    for cs in [0, 0xe030, 0xe050, 0xe058, 0xfff8, 0x1_0000_e030, 0xffff_ffff_ffff_fffc] {
        for ss in [0, 0xe02b, 0xe058, 0xfff8, 3] {
            let frame = continue_with(&Frame { cs, ss, ..*target });
            check_eq!(checks, frame.cause(), BREAKPOINT, "cs {cs:#x} ss {ss:#x}");
            check_eq!(checks, frame.code_selector(), KERNEL_CS, "cs, {cs:#x} given");
            check_eq!(checks, frame.ss, u64::from(KERNEL_SS), "ss, {ss:#x} given");
        }
    }
}

/// A process gets the selectors it asks for, with its privilege, or an exception.
fn check_user_selectors(checks: &mut Checks, target: &Frame) {
    for ss in [0xe02b, 0xe028] {
        let frame = continue_with(&Frame { ss, ..*target });
        check_eq!(checks, frame.cause(), BREAKPOINT, "ss {ss:#x}");
        check_eq!(checks, frame.code_selector(), FLAT_USER_CS64, "cs");
        check_eq!(checks, frame.ss, u64::from(FLAT_USER_SS64), "ss");
    }
    for (cs, ss, code) in [
        // The kernel's own segments, a data segment as code, beyond the table.
        (u64::from(KERNEL_CS) | 3, 0xe02b, u64::from(KERNEL_CS)),
        (0xe02b, 0xe02b, 0xe028),
        (0xfffb, 0xe02b, 0xfff8),
        (0xe033, u64::from(KERNEL_SS), u64::from(KERNEL_SS)),
        (0xe033, 0xfff8, 0xfff8),
    ] {
        let frame = continue_with(&Frame { cs, ss, ..*target });
        check_eq!(checks, frame.cause(), PROTECTION, "cs {cs:#x} ss {ss:#x}");
        check_eq!(checks, frame.error_code, code, "cs {cs:#x} ss {ss:#x}: error code");
        check_eq!(checks, frame.rip, target.rip, "cs {cs:#x} ss {ss:#x}: rip");
        check_eq!(checks, frame.is_user(), true, "cs {cs:#x} ss {ss:#x}: ring");
    }
}
