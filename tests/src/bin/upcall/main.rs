//! Upcalls: when they come, the frame they come with, and going on.
//!
//! An event may come while the mask is set, and must wait; when the mask is cleared it must come at
//! once, from the kernel or on the way into a process, and leave no trace in what it interrupts.
//! Expected: delivery exactly there, Xen's frame word by word, the mask set meanwhile and as it was
//! afterwards.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

use xenolith_guest::{
    StartInfo,
    abi::{
        hypercall::XEN_VERSION,
        segment::{FLAT_USER_CS64, FLAT_USER_SS64},
        xenolith::{KERNEL_CS, KERNEL_SS},
    },
    check, check_eq,
    entry::{Cause, Frame, PtRegs},
    events::{self, Port},
    hypercall::event_channel::{bind_ipi, send},
    irq::{self, EventsOffLock, Flags},
    probe::{Window, registers},
    scenario::Checks,
    shared_info::shared_info,
    traps, user,
    vcpu::VcpuId,
    x86_64::structures::paging::PageTableFlags,
};

xenolith_guest::scenario!(run);

/// The frame of the last upcall, and whether events were disabled in it.
static LAST: EventsOffLock<Option<Frame>> = EventsOffLock::new(None);
static WAS_MASKED: AtomicBool = AtomicBool::new(false);

fn observe(frame: &mut PtRegs) {
    WAS_MASKED.store(!irq::save_fl().is_enabled(), Relaxed);
    *LAST.lock() = Some(**frame);
}

fn run(checks: &mut Checks, start: &'static StartInfo) {
    check_eq!(checks, traps::install(), Ok(()));
    check_eq!(checks, user::install(), Ok(()));
    check_eq!(checks, events::install(), Ok(()));
    events::set_observer(Some(observe));
    let port = match bind_ipi(VcpuId::BOOT) {
        Ok(port) => port,
        Err(error) => return checks.fail(format_args!("bind_ipi: {error}")),
    };
    events::set_handler(port, |_| {});
    events::unmask(port);
    check_enabling(checks, port);
    check_sending_to_oneself(checks, port);
    check_port_mask(checks, port);
    check_registers(checks, port);
    check_process(checks, port, start);
    check_eq!(checks, events::unexpected(), 0, "events of other ports");
}

/// Takes the frame of the upcall that must have come.
fn upcall(checks: &mut Checks, when: &str) -> Frame {
    let frame = LAST.lock().take();
    check!(checks, frame.is_some(), "an upcall {when}");
    check!(checks, WAS_MASKED.load(Relaxed), "events are disabled in an upcall {when}");
    let frame = frame.unwrap_or_default();
    check_eq!(checks, frame.cause(), Cause::Event, "{when}");
    check_eq!(checks, frame.events(), Flags::IF, "IF {when}");
    check_eq!(checks, frame.saved_mask(), 0, "saved mask {when}");
    frame
}

fn check_kernel_frame(checks: &mut Checks, when: &str) {
    let frame = upcall(checks, when);
    check_eq!(checks, frame.cs, u64::from(KERNEL_CS), "cs {when}");
    check_eq!(checks, frame.ss, u64::from(KERNEL_SS), "ss {when}");
    check!(checks, irq::save_fl().is_enabled(), "events are enabled {when}");
}

/// Sends while disabled; nothing comes until events are enabled, and then before that returns.
fn check_enabling(checks: &mut Checks, port: Port) {
    irq::irq_disable();
    for round in 0..3 {
        let before = events::count(port);
        check_eq!(checks, send(port), Ok(()));
        check_eq!(checks, send(port), Ok(()));
        check_eq!(checks, events::count(port), before, "while disabled, round {round}");
        check_eq!(checks, shared_info().vcpu(0).upcall_pending().load(Relaxed), 1);
        irq::irq_enable();
        check_eq!(checks, events::count(port), before + 1, "when enabled, round {round}");
        check_kernel_frame(checks, "when enabled");
        irq::irq_disable();
    }
}

/// Sends while enabled: the event has come when the call returns.
fn check_sending_to_oneself(checks: &mut Checks, port: Port) {
    irq::irq_enable();
    for _ in 0..3 {
        let before = events::count(port);
        check_eq!(checks, send(port), Ok(()));
        check_eq!(checks, events::count(port), before + 1, "behind the send");
        check_kernel_frame(checks, "behind the send");
    }
    irq::irq_disable();
}

/// A masked port waits for its unmasking, whether or not events are enabled.
fn check_port_mask(checks: &mut Checks, port: Port) {
    irq::irq_enable();
    let before = events::count(port);
    check!(checks, events::mask(port), "the port was not masked");
    check_eq!(checks, send(port), Ok(()));
    check_eq!(checks, events::count(port), before, "of a masked port");
    check_eq!(checks, shared_info().vcpu(0).upcall_pending().load(Relaxed), 0);
    events::unmask(port);
    check_eq!(checks, events::count(port), before + 1, "of an unmasked port");
    check_kernel_frame(checks, "when unmasked");
    irq::irq_disable();
}

/// All registers but those SYSCALL uses are what they were.
fn check_registers(checks: &mut Checks, port: Port) {
    for seed in 0..10 {
        irq::irq_disable();
        check_eq!(checks, send(port), Ok(()));
        let mut before = registers::Registers::pattern(seed);
        (before.rax, before.rdi) = (XEN_VERSION.into(), 0);
        before.rflags |= Flags::IF.bits();
        let mut after = before;
        // Only the byte: the upcall then comes on the way back from the hypercall.
        shared_info().vcpu(0).upcall_mask().store(0, Relaxed);
        registers::syscall(&mut after);
        let frame = upcall(checks, "behind a hypercall");
        irq::irq_disable();
        check_eq!(checks, frame.rip, after.rcx, "rip behind a hypercall");
        check_eq!(checks, frame.rflags, before.rflags, "rflags behind a hypercall");
        check_eq!(checks, after.rax, 0x4_0011, "answer of a hypercall");
        (before.rax, before.rcx, before.r11) = (after.rax, after.rcx, after.r11);
        check_eq!(checks, after, before, "registers behind a hypercall");
    }
}

/// On the way into a process the upcall comes first, as if it had interrupted the process.
fn check_process(checks: &mut Checks, port: Port, start: &'static StartInfo) {
    let mut window = Window::take(start);
    let flags = Window::DATA | PageTableFlags::USER_ACCESSIBLE;
    window.map(0, window.own_frame(0), flags);
    window.map(1, window.own_frame(1), flags);
    // SYSCALL.
    window.write(0, &[0x0f, 0x05]);
    irq::irq_disable();
    for seed in 0..10 {
        check_eq!(checks, send(port), Ok(()));
        let mut frame = user::program(window.address(0), window.address(2 * 4096));
        (frame.r14, frame.rcx, frame.r11) = (seed, seed + 1, seed + 2);
        let program = frame;
        check_eq!(checks, user::run(&mut frame), Cause::SystemCall);
        let seen = upcall(checks, "into a process");
        check_eq!(checks, seen.cs, u64::from(FLAT_USER_CS64), "cs of a process");
        check_eq!(checks, seen.ss, u64::from(FLAT_USER_SS64), "ss of a process");
        check_eq!(checks, seen.rip, program.rip, "rip of a process");
        check_eq!(checks, seen.rsp, program.rsp, "rsp of a process");
        let registers = (seen.r14, seen.rcx, seen.r11);
        check_eq!(checks, registers, (seed, seed + 1, seed + 2), "registers of a process");
        check_eq!(checks, frame.r14, seed, "register behind the upcall");
        check_eq!(checks, frame.events(), Flags::IF, "events of the process");
    }
    // With events disabled in the process, the upcall waits.
    check_eq!(checks, send(port), Ok(()));
    let mut frame = user::program(window.address(0), window.address(2 * 4096));
    frame.rflags = 2;
    check_eq!(checks, user::run(&mut frame), Cause::SystemCall);
    check!(checks, LAST.lock().is_none(), "no upcall into a process with events disabled");
    irq::irq_enable();
    check_kernel_frame(checks, "behind a process");
}
