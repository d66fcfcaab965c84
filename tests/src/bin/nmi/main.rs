//! Non-maskable interrupts that the kernel sends itself.
//!
//! They are what a kernel's watchdog and its "show all registers" stand on. They come while events are
//! masked, so also into an upcall, and must not lose the mask that was.
//! Expected: the callback, registered by either call, with the frame of the instruction behind the
//! hypercall; events masked in it and afterwards as before; before an upcall that waits; nothing
//! without a callback.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use scenarios::programs::{Ring, Stage, exception, expected};
use xenolith_guest::{
    StartInfo,
    abi::{
        errno,
        hypercall::{IRET, NMI_OP, VCPU_OP},
        multicall::MulticallEntry,
        nmi, vcpu,
        xenolith::{KERNEL_CS, KERNEL_SS},
    },
    check, check_eq,
    entry::{self, Cause, Frame, PtRegs, Vector},
    events::{self, Port},
    hypercall::{
        Errno,
        callback::{Kind, unregister},
        event_channel::{bind_ipi, send},
        nmi::unregister_callback,
        vcpu::send_nmi,
    },
    irq::{self, EventsOffLock, Flags},
    probe::{callbacks, exception::catch, hypercall::by_page, iret, registers},
    scenario::Checks,
    shared_info::shared_info,
    traps,
    vcpu::VcpuId,
    x86_64::VirtAddr,
};

xenolith_guest::scenario!(run);

/// The frame of the last NMI, its mask and its place in the order of things.
static LAST: EventsOffLock<Option<(Frame, Flags, u32)>> = EventsOffLock::new(None);
/// Entries so far, by NMIs and by upcalls.
static ENTRIES: AtomicU32 = AtomicU32::new(0);
/// The place of the last upcall.
static UPCALL: AtomicU32 = AtomicU32::new(0);

fn note(frame: &mut PtRegs) {
    let events = irq::save_fl();
    *LAST.lock() = Some((**frame, events, ENTRIES.fetch_add(1, Relaxed)));
}

fn note_upcall(_: &mut PtRegs) {
    UPCALL.store(ENTRIES.fetch_add(1, Relaxed), Relaxed);
}

fn run(checks: &mut Checks, start: &'static StartInfo) {
    traps::set_nmi_handler(Some(note));
    traps::set_handler(Vector(2), Some(note));
    check_errors(checks);
    check_dropped(checks, "never registered");
    check_eq!(checks, callbacks::register_nmi(entry::nmi_address()), Ok(()));
    check_comes(checks, Cause::Nmi);
    check_registers(checks);
    check_in_list(checks);
    check_one_at_a_time(checks);
    check_in_upcall(checks);
    check_eq!(checks, unregister_callback(), Ok(()));
    check_dropped(checks, "unregistered by nmi_op");
    check_eq!(checks, callbacks::register(Kind::Nmi, 0, entry::nmi_address()), Ok(()));
    check_comes(checks, Cause::Nmi);
    check_eq!(checks, unregister(Kind::Nmi), Ok(()));
    check_dropped(checks, "unregistered by callback_op");
    let mut stage = match Stage::build(start) {
        Ok(stage) => stage,
        Err(error) => return checks.fail(format_args!("exceptions: {error}")),
    };
    check_comes(checks, Cause::Exception(Vector(2)));
    check_eq!(checks, callbacks::register_nmi(entry::nmi_address()), Ok(()));
    check_into_process(checks, &mut stage);
}

fn check_errors(checks: &mut Checks) {
    let wild = nmi::Callback { handler_address: 0x5eed_0000_0000_0000, pad: 0 };
    let wild = VirtAddr::from_ptr(&raw const wild).as_u64();
    let refused = by_page(NMI_OP, [nmi::REGISTER_CALLBACK.into(), wild, 0, 0, 0]);
    check_eq!(checks, refused, -errno::EINVAL, "an address that is not canonical");
    check_eq!(checks, by_page(NMI_OP, [2, wild, 0, 0, 0]), -errno::ENOSYS, "no such operation");
    check_eq!(checks, send_nmi(VcpuId::new(1)), Err(Errno(errno::ENOENT)), "no such vCPU");
    let with_argument = by_page(VCPU_OP, [vcpu::SEND_NMI.into(), 0, 8, 0, 0]);
    check_eq!(checks, with_argument, -errno::EINVAL, "an argument");
}

fn check_dropped(checks: &mut Checks, when: &str) {
    check_eq!(checks, send_nmi(VcpuId::BOOT), Ok(()), "{when}");
    check!(checks, LAST.lock().is_none(), "nothing comes: {when}");
}

fn taken(checks: &mut Checks, what: core::fmt::Arguments<'_>) -> (Frame, Flags, u32) {
    let last = LAST.lock().take();
    check!(checks, last.is_some(), "{what}: an NMI");
    last.unwrap_or((Frame::default(), Flags::IF, 0))
}

/// An NMI comes, whether or not events are masked.
fn check_comes(checks: &mut Checks, cause: Cause) {
    for before in [Flags::IF, Flags::DISABLED] {
        irq::irq_disable();
        irq::restore_fl(before);
        check_eq!(checks, send_nmi(VcpuId::BOOT), Ok(()));
        let what = format_args!("{cause:?}, {before:?}");
        let (frame, events, _) = taken(checks, what);
        check_eq!(checks, frame.cause(), cause, "{what}");
        check_eq!(checks, frame.error_code, 0, "{what}: error code");
        let mask = u64::from(!before.is_enabled());
        check_eq!(checks, frame.cs, mask << 32 | u64::from(KERNEL_CS), "{what}: cs");
        check_eq!(checks, frame.ss, u64::from(KERNEL_SS), "{what}: ss");
        check_eq!(checks, frame.events(), before, "{what}: IF");
        check_eq!(checks, events, Flags::DISABLED, "{what}: events in the handler");
        check_eq!(checks, irq::save_fl(), before, "{what}: events behind it");
    }
    irq::irq_disable();
}

/// One list of calls sends it and ends with `iret`: it comes at the target of that.
fn check_in_list(checks: &mut Checks) {
    for mask in [Flags::IF, Flags::DISABLED] {
        irq::irq_disable();
        let call = |op: u32, first: u32| MulticallEntry {
            op: op.into(),
            result: 0x5555,
            args: [first.into(), 0, 0, 0, 0, 0],
        };
        let list = [call(VCPU_OP, vcpu::SEND_NMI), call(IRET, 0)];
        let at = VirtAddr::from_ptr(core::hint::black_box(&raw const list));
        let target = iret::by_list(at, 2, 2 | mask.bits());
        let (frame, _, _) = taken(checks, format_args!("in a list, {mask:?}"));
        check_eq!(checks, frame.rip, target.as_u64(), "rip, {mask:?}");
        check_eq!(checks, frame.events(), mask, "IF in the frame");
        check_eq!(checks, irq::save_fl(), mask, "events behind it");
    }
    irq::irq_disable();
}

/// It comes behind the hypercall, whose result is there, and changes no register.
fn check_registers(checks: &mut Checks) {
    for seed in 0..10 {
        let mut before = registers::Registers::pattern(seed);
        (before.rax, before.rdi) = (VCPU_OP.into(), vcpu::SEND_NMI.into());
        (before.rsi, before.rdx) = (0, 0);
        before.rflags |= Flags::IF.bits();
        let mut after = before;
        registers::syscall(&mut after);
        let (frame, ..) = taken(checks, format_args!("seed {seed}"));
        check_eq!(checks, frame.rip, after.rcx, "rip, seed {seed}");
        check_eq!(checks, frame.rax, 0, "rax, seed {seed}");
        let flags = before.rflags & !Flags::IF.bits();
        check_eq!(checks, frame.rflags, flags, "rflags, seed {seed}");
        (before.rax, before.rcx, before.r11) = (0, after.rcx, after.r11);
        check_eq!(checks, after, before, "registers, seed {seed}");
    }
}

fn send_from_handler(_: Port) {
    let _ = send_nmi(VcpuId::BOOT);
}

/// NMIs that the handler still sends, those that run now, and the most that ever did.
static TO_SEND: AtomicU32 = AtomicU32::new(0);
static RUNNING: AtomicU32 = AtomicU32::new(0);
static DEEPEST: AtomicU32 = AtomicU32::new(0);
/// The frames of all of them must say the same.
static DIFFERENT: AtomicU32 = AtomicU32::new(0);

fn send_another(frame: &mut PtRegs) {
    let running = RUNNING.fetch_add(1, Relaxed) + 1;
    DEEPEST.fetch_max(running, Relaxed);
    let mut last = LAST.lock();
    let same = last.is_none_or(|(first, ..)| first == **frame);
    DIFFERENT.fetch_add(u32::from(!same), Relaxed);
    *last = Some((**frame, irq::save_fl(), ENTRIES.fetch_add(1, Relaxed)));
    drop(last);
    let left = TO_SEND.load(Relaxed);
    if left != 0 {
        TO_SEND.store(left - 1, Relaxed);
        // Two are as good as one.
        let _ = send_nmi(VcpuId::BOOT);
        let _ = send_nmi(VcpuId::BOOT);
    }
    RUNNING.fetch_sub(1, Relaxed);
}

/// NMIs do not interrupt each other: the next one comes with the way back of the last, as if it had
/// interrupted the same instruction.
fn check_one_at_a_time(checks: &mut Checks) {
    traps::set_nmi_handler(Some(send_another));
    for before in [Flags::IF, Flags::DISABLED] {
        irq::irq_disable();
        irq::restore_fl(before);
        TO_SEND.store(5, Relaxed);
        let first = ENTRIES.load(Relaxed);
        check_eq!(checks, send_nmi(VcpuId::BOOT), Ok(()), "{before:?}");
        check_eq!(checks, ENTRIES.load(Relaxed), first + 6, "{before:?}: NMIs");
        check_eq!(checks, DEEPEST.load(Relaxed), 1, "{before:?}: at a time");
        check_eq!(checks, DIFFERENT.load(Relaxed), 0, "{before:?}: frames");
        let (frame, events, _) = taken(checks, format_args!("{before:?}"));
        check_eq!(checks, frame.events(), before, "{before:?}: IF");
        check_eq!(checks, events, Flags::DISABLED, "{before:?}: events in the handler");
        check_eq!(checks, irq::save_fl(), before, "{before:?}: events behind it");
    }
    irq::irq_disable();
    // Without a handler the one that waits is dropped; and then all is as before.
    TO_SEND.store(1, Relaxed);
    traps::set_nmi_handler(Some(|frame| {
        send_another(frame);
        let _ = unregister_callback();
    }));
    let first = ENTRIES.load(Relaxed);
    check_eq!(checks, send_nmi(VcpuId::BOOT), Ok(()));
    check_eq!(checks, ENTRIES.load(Relaxed), first + 1, "the second one is dropped");
    check_eq!(checks, callbacks::register_nmi(entry::nmi_address()), Ok(()));
    traps::set_nmi_handler(Some(note));
    LAST.lock().take();
    check_comes(checks, Cause::Nmi);
}

/// Where the handler goes instead of back, and the frame of the NMI that came there.
static PROCESS: EventsOffLock<Frame> = EventsOffLock::new(Frame::ZERO);
static SEEN: EventsOffLock<Frame> = EventsOffLock::new(Frame::ZERO);
fn enter_process(frame: &mut PtRegs) {
    if frame.is_user() {
        *SEEN.lock() = **frame;
        return;
    }
    let _ = send_nmi(VcpuId::BOOT);
    let (cause, start) = (frame.cause, *PROCESS.lock());
    **frame = Frame { cause, ..start };
}

/// The way back may lead into a process: the NMI that waits comes from there.
fn check_into_process(checks: &mut Checks, stage: &mut Stage) {
    traps::set_nmi_handler(Some(enter_process));
    for events in [Flags::IF, Flags::DISABLED] {
        let start = stage.load(Ring::User, &[], events);
        *PROCESS.lock() = start;
        let end = catch(|| _ = send_nmi(VcpuId::BOOT)).unwrap_or_default();
        let seen = *SEEN.lock();
        check_eq!(checks, seen.cause(), Cause::Nmi, "{events:?}");
        check_eq!(checks, seen, expected(&start, &seen, start.rip, 0), "{events:?}");
        check_eq!(checks, end.cause(), exception(3), "{events:?}: the process goes on");
        check_eq!(checks, end, expected(&start, &end, start.rip + 1, 0), "{events:?}: the process");
    }
    traps::set_nmi_handler(Some(note));
}

/// In an upcall it comes at once; beside an upcall that waits it comes first.
fn check_in_upcall(checks: &mut Checks) {
    check_eq!(checks, events::install(), Ok(()));
    let port = match bind_ipi(VcpuId::BOOT) {
        Ok(port) => port,
        Err(error) => return checks.fail(format_args!("bind_ipi: {error}")),
    };
    events::set_observer(Some(note_upcall));
    events::set_handler(port, send_from_handler);
    events::unmask(port);
    irq::irq_enable();
    check_eq!(checks, send(port), Ok(()));
    let (frame, _, place) = taken(checks, format_args!("in an upcall"));
    check_eq!(checks, frame.saved_mask(), 1, "in an upcall: saved mask");
    check!(checks, UPCALL.load(Relaxed) < place, "the upcall is older");
    check!(checks, irq::save_fl().is_enabled(), "events are enabled behind both");
    irq::irq_disable();
    events::set_handler(port, |_| {});
    check_eq!(checks, send(port), Ok(()));
    // Only the byte: the upcall then waits for the next hypercall.
    shared_info().vcpu(0).upcall_mask().store(0, Relaxed);
    check_eq!(checks, send_nmi(VcpuId::BOOT), Ok(()));
    let (frame, _, place) = taken(checks, format_args!("before an upcall"));
    check_eq!(checks, frame.saved_mask(), 0, "before an upcall: saved mask");
    check!(checks, UPCALL.load(Relaxed) > place, "the NMI comes first");
    irq::irq_disable();
    events::set_observer(None);
}
