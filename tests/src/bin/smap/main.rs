//! AC and SMAP, beside a mask that stands in for IF.
//!
//! A kernel that checked `save_fl` for AC, to find out whether SMAP holds, was once told the truth: by
//! a processor's PUSHF. Where a mask stands in for IF the same check always says that AC is clear,
//! and would let a kernel go on with SMAP switched off. And an entry that kept AC would hand a
//! process's AC to the kernel.
//! Expected: with AC clear the kernel cannot touch a process's page, with AC set it can; `save_fl`
//! shows AC never, `native_save_flags` always; AC is clear in every handler, whoever was
//! interrupted, and as it was behind it.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use scenarios::programs::{Ring, Stage, exception};
use xenolith_guest::{
    StartInfo, check, check_eq, cpuid,
    entry::{PtRegs, Vector},
    events,
    hypercall::event_channel::{bind_ipi, send},
    irq::{self, Flags},
    probe::{control, exception::continue_with, flags},
    scenario::Checks,
    traps,
    vcpu::VcpuId,
    x86_64::VirtAddr,
};

xenolith_guest::scenario!(run);

const SMAP: u64 = 1 << 21;
/// Bit of CPUID leaf 7, ebx.
const HAS_SMAP: u32 = 1 << 20;
/// TF, NT, RF and AC: clear in every handler.
const CLEARED: u64 = 1 << 8 | 1 << 14 | 1 << 16 | flags::AC;

/// The processor's flags in the last handler.
static FLAGS: AtomicU64 = AtomicU64::new(0);
/// What [`FLAGS`] holds where no handler was.
const NOBODY: u64 = u64::MAX;

fn note(_: &mut PtRegs) {
    FLAGS.store(irq::native_save_flags(), Relaxed);
}

/// Notes the flags and goes on behind UD2.
fn note_and_skip(frame: &mut PtRegs) {
    note(frame);
    frame.rip += 2;
}

fn run(checks: &mut Checks, start: &'static StartInfo) {
    let mut stage = match Stage::build(start) {
        Ok(stage) => stage,
        Err(error) => return checks.fail(format_args!("exceptions: {error}")),
    };
    check_eq!(checks, events::install(), Ok(()));
    check_exceptions(checks, &mut stage);
    check_system_call(checks, &mut stage);
    check_upcalls(checks, &mut stage);
    if cpuid::read(7, 0).ebx & HAS_SMAP == 0 {
        return checks.skip("a processor without SMAP");
    }
    let page = stage.share(Stage::FREE, &[0x5eed]);
    control::write_cr4(control::cr4() | SMAP);
    check_access(checks, page);
    control::write_cr4(control::cr4() & !SMAP);
}

fn check_handler(checks: &mut Checks, what: core::fmt::Arguments<'_>) {
    let seen = FLAGS.swap(NOBODY, Relaxed);
    check!(checks, seen != NOBODY, "{what}: no handler");
    check_eq!(checks, seen & CLEARED, 0, "{what}: flags {seen:#x} in the handler");
}

/// UD2, with and without flags that a handler must not inherit.
fn check_exceptions(checks: &mut Checks, stage: &mut Stage) {
    traps::set_handler(Vector(6), Some(note_and_skip));
    for ring in Ring::ALL {
        for odd in [0, flags::AC, 1 << 14, flags::AC | 1 << 14] {
            let mut start = stage.load(ring, &[0x0f, 0x0b], Flags::IF);
            start.rflags |= odd;
            let seen = continue_with(&start);
            check_handler(checks, format_args!("#UD, {ring:?}, {odd:#x}"));
            check_eq!(checks, seen.cause(), exception(3), "{ring:?}, {odd:#x}");
            check_eq!(checks, seen.rflags, start.rflags, "{ring:?}: flags behind the handler");
        }
    }
    traps::set_handler(Vector(6), None);
}

fn check_system_call(checks: &mut Checks, stage: &mut Stage) {
    traps::set_system_call_handler(Some(note));
    for odd in [0, flags::AC, 1 << 14] {
        let mut start = stage.load(Ring::User, &[0x0f, 0x05], Flags::IF);
        start.rflags |= odd;
        let seen = continue_with(&start);
        check_handler(checks, format_args!("SYSCALL, {odd:#x}"));
        check_eq!(checks, seen.cause(), exception(3), "SYSCALL, {odd:#x}");
        check_eq!(checks, seen.rflags, start.rflags, "SYSCALL: flags behind the handler");
    }
    traps::set_system_call_handler(None);
}

/// An upcall on the way into either ring, into a frame whose AC is set, and behind a hypercall.
fn check_upcalls(checks: &mut Checks, stage: &mut Stage) {
    let port = match bind_ipi(VcpuId::BOOT) {
        Ok(port) => port,
        Err(error) => return checks.fail(format_args!("bind_ipi: {error}")),
    };
    events::set_handler(port, |_| {});
    events::unmask(port);
    events::set_observer(Some(note));
    for ring in Ring::ALL {
        irq::irq_disable();
        check_eq!(checks, send(port), Ok(()));
        let mut start = stage.load(ring, &[], Flags::IF);
        start.rflags |= flags::AC;
        let seen = continue_with(&start);
        check_handler(checks, format_args!("upcall, {ring:?}"));
        check_eq!(checks, seen.rflags, start.rflags, "{ring:?}: flags behind the upcall");
        check_eq!(checks, seen.cause(), exception(3), "upcall, {ring:?}");
    }
    irq::irq_enable();
    flags::set(flags::AC);
    check_eq!(checks, send(port), Ok(()));
    let behind = irq::native_save_flags();
    flags::clear(flags::AC);
    check_handler(checks, format_args!("upcall behind a hypercall"));
    check!(checks, behind & flags::AC != 0, "AC stays behind a hypercall with an upcall");
    irq::irq_disable();
    events::set_observer(None);
}

/// The kernel reads a process's page if and only if AC is set, and only one of two ways to ask for AC
/// tells which.
fn check_access(checks: &mut Checks, page: VirtAddr) {
    const BY_PROTECTION: u64 = 1;
    for events in [Flags::IF, Flags::DISABLED] {
        irq::irq_disable();
        irq::restore_fl(events);
        flags::clear(flags::AC);
        let refused = traps::probe_read::<u64>(page).err();
        let refused = refused.map(|fault| (fault.vector, fault.error_code, fault.cr2));
        let wanted = Some((Vector(14), BY_PROTECTION, page.as_u64()));
        check_eq!(checks, refused, wanted, "AC clear");
        check_eq!(checks, irq::native_save_flags() & flags::AC, 0, "AC clear: native flags");
        check_eq!(checks, irq::save_fl(), events, "AC clear: save_fl");
        flags::set(flags::AC);
        check_eq!(checks, traps::probe_read::<u64>(page), Ok(0x5eed), "AC set");
        check!(checks, irq::native_save_flags() & flags::AC != 0, "AC set: native flags");
        // The historic check: it finds AC clear here, and is wrong.
        check_eq!(checks, irq::save_fl(), events, "AC set: save_fl");
        check_eq!(checks, irq::save_fl().bits() & flags::AC, 0, "AC set: the historic check");
        flags::clear(flags::AC);
    }
    irq::irq_disable();
}
