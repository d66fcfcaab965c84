//! The `iret` hypercall with an event that waits: it comes as soon as the mask lets it, and not
//! before.
//!
//! The mask changes in the middle of the way back, where an event may be pending already, and the
//! frame of the `iret` becomes the upcall's. With the mask as it was, or set, nothing may come.
//! Expected: in all four combinations of the mask before and after, from a kernel and a process, the
//! upcall comes exactly when the target may have it, before its first instruction, with all its
//! registers; the target then runs as if nothing had been.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::Ordering::Relaxed;

use scenarios::events::{check_nothing_left, install, ipi};
use xenolith_guest::{
    StartInfo,
    abi::xenolith::{KERNEL_CS, KERNEL_SS},
    check_eq,
    entry::{Cause, Frame, PtRegs, Vector},
    events::{self, Port},
    hypercall::event_channel::send,
    irq::{self, EventsOffLock, Flags},
    probe::{Window, exception::continue_with},
    scenario::Checks,
    shared_info::shared_info,
    user,
    x86_64::structures::paging::PageTableFlags,
};

xenolith_guest::scenario!(run);

/// Pages of the window with an INT3 at their start, and a stack behind: a process's and a kernel's.
const OF_USER: usize = 0;
const OF_KERNEL: usize = 2;

const BREAKPOINT: Cause = Cause::Exception(Vector(3));
const DISABLED: Flags = Flags::DISABLED;

/// The frames of the upcalls since it was looked at, the last one and their number.
static SEEN: EventsOffLock<(u32, Option<Frame>)> = EventsOffLock::new((0, None));

fn observe(frame: &mut PtRegs) {
    let mut seen = SEEN.lock();
    *seen = (seen.0 + 1, Some(**frame));
}

fn run(checks: &mut Checks, start: &'static StartInfo) {
    let mut window = Window::take(start);
    let user = Window::DATA | PageTableFlags::USER_ACCESSIBLE;
    for (page, flags) in [(OF_USER, user), (1, user), (OF_KERNEL, Window::DATA), (3, Window::DATA)]
    {
        window.map(page, window.own_frame(page), flags);
    }
    window.write(OF_USER * 4096, &[0xcc]);
    window.write(OF_KERNEL * 4096, &[0xcc]);
    install(checks);
    check_eq!(checks, user::install(), Ok(()));
    let Ok(port) = ipi(|_| {}) else { return checks.fail(format_args!("no port")) };
    events::set_observer(Some(observe));
    for seed in 0..8 {
        check_all(checks, "process", &with_registers(to_user(&window), seed), port);
        check_all(checks, "kernel", &with_registers(to_kernel(&window), seed), port);
    }
    check_nothing_left(checks);
}

fn to_user(window: &Window) -> Frame {
    user::program(window.address(OF_USER * 4096), window.address(2 * 4096))
}

fn to_kernel(window: &Window) -> Frame {
    Frame {
        rip: window.address(OF_KERNEL * 4096).as_u64(),
        cs: KERNEL_CS.into(),
        rsp: window.address(4 * 4096).as_u64(),
        ss: KERNEL_SS.into(),
        ..Frame::default()
    }
}

/// Fills the general registers, and moves the stack out of alignment.
fn with_registers(target: Frame, seed: u64) -> Frame {
    let value = |number: u64| (seed << 56) | (number << 8) | 0x11;
    Frame {
        r15: value(15),
        r14: value(14),
        rbp: value(5),
        rbx: value(3),
        r11: value(11),
        r10: value(10),
        rcx: value(1),
        rdx: value(2),
        rdi: value(7),
        rsp: target.rsp - seed,
        ..target
    }
}

fn check_all(checks: &mut Checks, name: &str, target: &Frame, port: Port) {
    for before in [Flags::IF, DISABLED] {
        for after in [Flags::IF, DISABLED] {
            check_combination(checks, name, target, port, [before, after]);
        }
    }
}

/// Continues at the target with an event that waits, behind the mask or behind the port's.
fn check_combination(
    checks: &mut Checks,
    name: &str,
    target: &Frame,
    port: Port,
    [before, after]: [Flags; 2],
) {
    let target = Frame { rflags: 2 | after.bits(), ..*target };
    irq::irq_disable();
    *SEEN.lock() = (0, None);
    let count = events::count(port);
    check_eq!(checks, send(port), Ok(()));
    if before.is_enabled() {
        // Only the byte: a call would have the event delivered before the one that matters.
        shared_info().vcpu(0).upcall_mask().store(0, Relaxed);
    }
    let frame = continue_with(&target);
    irq::irq_disable();
    check_eq!(checks, frame.cause(), BREAKPOINT, "{name} {before:?} {after:?}");
    check_eq!(checks, frame.events(), after, "{name} {before:?} {after:?}: IF at the target");
    let at_target = Frame { rip: target.rip + 1, ..target };
    check_registers(checks, name, &frame, &at_target);
    // One that the target may not have waits for the way back to whoever continued there.
    let (upcalls, seen) = *SEEN.lock();
    let expected = u32::from(after.is_enabled() || before.is_enabled());
    check_eq!(checks, upcalls, expected, "{name} {before:?} {after:?}: upcalls");
    check_eq!(checks, events::count(port) - count, u64::from(expected), "{name}: events");
    let of_target = seen.filter(|seen| seen.rip == target.rip || seen.rip == frame.rip);
    let is_expected = after.is_enabled();
    check_eq!(checks, of_target.is_some(), is_expected, "{name} {before:?} {after:?}: at once");
    if let Some(seen) = of_target {
        check_eq!(checks, seen.cause(), Cause::Event, "{name}: cause");
        check_eq!(checks, seen.saved_mask(), 0, "{name}: mask in the upcall's frame");
        check_eq!(checks, seen.events(), Flags::IF, "{name}: IF in the upcall's frame");
        check_registers(checks, name, &seen, &target);
    }
    // What did not come comes when it may.
    irq::irq_enable();
    irq::irq_disable();
    check_eq!(checks, events::count(port) - count, 1, "{name} {before:?} {after:?}: at the end");
}

/// Compares what is the target's own.
fn check_registers(checks: &mut Checks, name: &str, frame: &Frame, target: &Frame) {
    let own = |it: &Frame| {
        let address = [it.rip, it.rsp, it.ss, it.rflags, u64::from(it.code_selector())];
        (address, [it.rcx, it.r11, it.rdx, it.rdi, it.rbx, it.rbp, it.r10, it.r14, it.r15])
    };
    check_eq!(checks, own(frame), own(target), "{name}: registers");
}
