//! Exceptions that a kernel handles.
//!
//! The frame is built by the CPU, completed by the resident and read by the kernel: each word could
//! be another's, the mask could be lost or invented, the stack could be off, a register spoilt.
//! Expected: for each exception a kernel can raise its vector, error code and every word of Xen's
//! frame, with events enabled and disabled; going on changes nothing. The same on bare hardware, but for
//! the mask.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use xenolith_guest::{
    StartInfo,
    abi::{
        trap,
        xenolith::{KERNEL_CS, KERNEL_SS},
    },
    check, check_eq,
    entry::{Cause, Frame, PtRegs, Vector},
    hypercall::{
        Errno,
        task::{FpuUse, fpu_taskswitch},
    },
    irq::{self, Flags},
    probe::{control, exception::catch, raise, registers},
    pvops::{self, World},
    scenario::Checks,
    traps,
};

xenolith_guest::scenario!(run);

/// An exception: its name, what raises it, its vector and its error code.
type Kind = (&'static str, fn(), u8, u64);

const KINDS: &[Kind] = &[
    ("divide error", raise::divide_error, 0, 0),
    ("single step", raise::single_step, 1, 0),
    ("breakpoint", raise::breakpoint, 3, 0),
    ("overflow", raise::overflow, 4, 0),
    ("bound range", raise::bound_range, 5, 0),
    ("invalid opcode", raise::invalid_opcode, 6, 0),
    ("device not available", raise::device_not_available, 7, 0),
    ("stack fault", raise::stack_fault, 12, 0),
    ("general protection", raise::general_protection, 13, 0),
    ("general protection by selector", raise::wild_selector, 13, 0xfff8),
    ("software interrupt without a handler", raise::refused_interrupt, 13, 0x40 * 8 + 2),
    ("x87 error", raise::x87_error, 16, 0),
    ("SSE error", raise::vector_error, 19, 0),
];

fn run(checks: &mut Checks, _: &'static StartInfo) {
    check_eq!(checks, traps::install(), Ok(()));
    for kind in KINDS {
        check_kind(checks, kind);
        irq::irq_enable();
        check_kind(checks, kind);
        check!(checks, irq::save_fl().is_enabled(), "{}: events stay enabled", kind.0);
        irq::irq_disable();
    }
    check_software_interrupt(checks);
    check_stack(checks);
    check_mask_in_handler(checks);
    check_going_on(checks);
}

fn check_kind(checks: &mut Checks, &(name, raise, vector, code): &Kind) {
    let fpu = if vector == 7 { FpuUse::Trapped } else { FpuUse::Allowed };
    check_eq!(checks, use_fpu(fpu), Ok(()), "{name}: TS");
    let caught = catch(raise);
    check_eq!(checks, use_fpu(FpuUse::Allowed), Ok(()), "{name}: TS");
    let Some(frame) = caught else {
        return checks.fail(format_args!("{name}: nothing was raised"));
    };
    check_eq!(checks, frame.cause(), Cause::Exception(Vector(vector)), "{name}: vector");
    check_eq!(checks, frame.error_code, code, "{name}: error code");
    check_frame(checks, name, &frame);
}

/// Whether there is no hypervisor: TS is the kernel's own, and frames have no mask.
fn is_bare() -> bool {
    pvops::world() == World::Native
}

/// Sets TS or clears it.
fn use_fpu(fpu: FpuUse) -> Result<(), Errno> {
    const TS: u64 = 1 << 3;
    if !is_bare() {
        return fpu_taskswitch(fpu);
    }
    let trapped = if fpu == FpuUse::Trapped { TS } else { 0 };
    control::write_cr0(control::cr0() & !TS | trapped);
    Ok(())
}

/// The I/O privilege level in RFLAGS.
const IOPL: u64 = 3 << 12;

/// Checks the words that every exception in the kernel has in common.
fn check_frame(checks: &mut Checks, name: &str, frame: &Frame) {
    let mask = u64::from(!irq::save_fl().is_enabled() && !is_bare());
    check_eq!(checks, frame.rip, frame.r15, "{name}: rip");
    check_eq!(checks, frame.rsp, frame.r14, "{name}: rsp");
    check_eq!(checks, frame.cs, mask << 32 | u64::from(KERNEL_CS), "{name}: cs");
    check_eq!(checks, frame.ss, u64::from(KERNEL_SS), "{name}: ss");
    check_eq!(checks, frame.events(), irq::save_fl(), "{name}: IF");
    check_eq!(checks, frame.rflags & IOPL, 0, "{name}: IOPL");
}

fn check_software_interrupt(checks: &mut Checks) {
    let name = "software interrupt";
    let installed = traps::install_vector(Vector(0x40), trap::FLAG_MASK_EVENTS);
    check_eq!(checks, installed, Ok(()), "{name}");
    let Some(frame) = catch(raise::software_interrupt) else {
        return checks.fail(format_args!("{name}: nothing was raised"));
    };
    check_eq!(checks, frame.cause(), Cause::Exception(Vector(0x40)), "{name}");
    check_frame(checks, name, &frame);
}

/// The end of the last frame that a handler got, and whether events were disabled meanwhile.
static FRAME_END: AtomicU64 = AtomicU64::new(0);
static WAS_MASKED: AtomicBool = AtomicBool::new(false);

/// Notes where the frame is and goes on behind the two bytes of UD2.
fn skip(frame: &mut PtRegs) {
    let end = core::ptr::from_ref(frame).wrapping_add(1).addr();
    FRAME_END.store(end as u64, Relaxed);
    WAS_MASKED.store(!irq::save_fl().is_enabled(), Relaxed);
    frame.rip += 2;
}

/// A frame ends at the last multiple of 16 below where the stack was.
fn check_stack(checks: &mut Checks) {
    for offset in 0..32 {
        let Some(frame) = catch(|| raise::invalid_opcode_with_stack(offset)) else {
            return checks.fail(format_args!("stack: nothing was raised"));
        };
        check_eq!(checks, frame.rsp, frame.r14, "rsp, {offset} bytes lower");
        traps::set_handler(Vector(6), Some(skip));
        raise::invalid_opcode_with_stack(offset);
        traps::set_handler(Vector(6), None);
        let end = FRAME_END.load(Relaxed);
        check!(checks, end.is_multiple_of(16), "frame ends at {end:#x}, {offset} bytes lower");
    }
}

/// Whether a handler runs with events disabled is told by its flags.
fn check_mask_in_handler(checks: &mut Checks) {
    traps::set_handler(Vector(6), Some(skip));
    for (flags, masked) in [(0, false), (trap::FLAG_MASK_EVENTS, true)] {
        check_eq!(checks, traps::install_vector(Vector(6), flags), Ok(()));
        irq::irq_enable();
        raise::invalid_opcode();
        check_eq!(checks, WAS_MASKED.load(Relaxed), masked, "events off with flags {flags}");
        check!(checks, irq::save_fl().is_enabled(), "events are enabled behind the handler");
        irq::irq_disable();
        raise::invalid_opcode();
        check!(checks, WAS_MASKED.load(Relaxed), "events stay disabled in the handler");
        check!(checks, !irq::save_fl().is_enabled(), "events stay disabled behind the handler");
    }
    traps::set_handler(Vector(6), None);
}

/// Every register and the flags are afterwards what they were.
fn check_going_on(checks: &mut Checks) {
    traps::set_handler(Vector(6), Some(skip));
    traps::set_handler(Vector(3), Some(|_| {}));
    for seed in 0..20 {
        let mut before = registers::Registers::pattern(seed);
        // The processor's own IF is always set behind an `iret`, and means nothing.
        before.rflags |= Flags::IF.bits();
        let mut after = before;
        registers::ud2(&mut after);
        check_eq!(checks, after, before, "registers behind UD2");
        registers::int3(&mut after);
        check_eq!(checks, after, before, "registers behind INT3");
    }
}
