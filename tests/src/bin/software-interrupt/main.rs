//! INT with and without the right, and the flags of `trap_info`.
//!
//! A process may enter the kernel by the vectors that the kernel opened to it and by no other, above
//! all not by those of exceptions, whose handlers believe an error code. The other flag decides
//! whether an upcall can come into the handler's first instructions.
//! Expected: by a vector of level 3 the handler, from either ring; by any other #GP in a process, with
//! the vector in the error code; the kernel is in ring 0 and may use all. The mask is set at the entry
//! if the flag says so and else stays, all 8 bits of it; the way back sets it by IF.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};

use scenarios::programs::{Ring, Stage, exception, expected, without_resume_flag};
use xenolith_guest::{
    StartInfo,
    abi::{callback, trap},
    check, check_eq,
    entry::{self, PtRegs, Vector},
    events,
    hypercall::{callback::Kind, trap::clear_table},
    irq::{self, Flags},
    probe::{
        callbacks,
        exception::{catch, continue_with},
        raise,
    },
    scenario::Checks,
    shared_info::{VcpuWords, shared_info},
    traps,
};

xenolith_guest::scenario!(run);

/// Vectors that are no exception's: the first, Linux's system call, some others, the last.
const VECTORS: [u8; 6] = [0x20, 0x21, 0x30, 0x80, 0x81, 0xff];
const PROTECTION: u8 = 13;
const INVALID_OPCODE: Vector = Vector(6);

fn run(checks: &mut Checks, start: &'static StartInfo) {
    let mut stage = match Stage::build(start) {
        Ok(stage) => stage,
        Err(error) => return checks.fail(format_args!("exceptions: {error}")),
    };
    check_eq!(checks, events::install(), Ok(()));
    for vector in VECTORS {
        check_vector(checks, &mut stage, vector, None);
    }
    for vector in VECTORS {
        for level in 0..=trap::FLAG_DPL_MASK {
            check_eq!(checks, traps::install_vector(Vector(vector), level), Ok(()));
            check_vector(checks, &mut stage, vector, Some(level));
        }
    }
    // All have handlers, but 31, which is the hypervisor's; 3 and 4 are open.
    for vector in (0..32).filter(|vector| ![3, 4].contains(vector)) {
        check_int(checks, &mut stage, Ring::User, vector, false);
    }
    check_taken_away(checks, &mut stage);
    check_mask(checks, &mut stage);
    check_system_call_mask(checks, &mut stage);
    check_whole_mask(checks, shared_info().vcpu(0));
    check_upcall_into_handler(checks, shared_info().vcpu(0));
    check_event_vector(checks, &mut stage);
}

/// Tries a vector from both rings; `level` is that of its handler, if it has one.
fn check_vector(checks: &mut Checks, stage: &mut Stage, vector: u8, level: Option<u8>) {
    check_int(checks, stage, Ring::Kernel, vector, level.is_some());
    check_int(checks, stage, Ring::User, vector, level == Some(3));
}

fn check_int(checks: &mut Checks, stage: &mut Stage, ring: Ring, vector: u8, allowed: bool) {
    let start = stage.load(ring, &[0xcd, vector], Flags::IF);
    let seen = continue_with(&start);
    let (cause, code, distance) =
        if allowed { (vector, 0, 2) } else { (PROTECTION, u64::from(vector) * 8 + 2, 0) };
    check_eq!(checks, seen.cause(), exception(cause), "INT {vector:#x}, {ring:?}");
    let wanted = expected(&start, &seen, start.rip + distance, code);
    check_eq!(checks, without_resume_flag(&seen), wanted, "INT {vector:#x}, {ring:?}");
}

/// Without its table a kernel has no handler any more; with it again it has those of the table only.
fn check_taken_away(checks: &mut Checks, stage: &mut Stage) {
    check_eq!(checks, clear_table(), Ok(()));
    check_eq!(checks, traps::install(), Ok(()));
    for vector in VECTORS {
        check_vector(checks, stage, vector, None);
    }
}

/// The mask in the last handler, and the processor's way to it.
static MASK: AtomicU8 = AtomicU8::new(0);

fn note(frame: &mut PtRegs) {
    MASK.store(shared_info().vcpu(0).upcall_mask().load(Relaxed), Relaxed);
    if frame.cause() == exception(INVALID_OPCODE.0) {
        frame.rip += 2;
    }
}

/// The mask in a handler, and behind it, for each flag and each mask before.
fn check_mask(checks: &mut Checks, stage: &mut Stage) {
    traps::set_handler(INVALID_OPCODE, Some(note));
    for (flags, masks) in [(0, false), (trap::FLAG_MASK_EVENTS, true)] {
        check_eq!(checks, traps::install_vector(INVALID_OPCODE, flags), Ok(()));
        check_entries(checks, stage, &[0x0f, 0x0b], masks);
    }
    traps::set_handler(INVALID_OPCODE, None);
}

/// The same for system calls, by both calls that register their entry.
fn check_system_call_mask(checks: &mut Checks, stage: &mut Stage) {
    const SYSCALL: &[u8] = &[0x0f, 0x05];
    traps::set_system_call_handler(Some(note));
    let (event, syscall) = (entry::upcall_address(), entry::syscall_address());
    for (flags, masks) in [(0, false), (callback::FLAG_MASK_EVENTS, true)] {
        check_eq!(checks, callbacks::register(Kind::Syscall, flags, syscall), Ok(()));
        check_entries_of(checks, stage, Ring::User, SYSCALL, masks);
    }
    check_eq!(checks, callbacks::set_callbacks([event, event, syscall]), Ok(()));
    check_entries_of(checks, stage, Ring::User, SYSCALL, false);
    traps::set_system_call_handler(None);
}

fn check_entries(checks: &mut Checks, stage: &mut Stage, code: &[u8], masks: bool) {
    for ring in Ring::ALL {
        check_entries_of(checks, stage, ring, code, masks);
    }
}

fn check_entries_of(checks: &mut Checks, stage: &mut Stage, ring: Ring, code: &[u8], masks: bool) {
    for events in [Flags::IF, Flags::DISABLED] {
        let start = stage.load(ring, code, events);
        let seen = continue_with(&start);
        let what = format_args!("{code:x?}, {ring:?}, {events:?}, masks: {masks}");
        check_eq!(checks, seen.cause(), exception(3), "{what}");
        let before = u8::from(!events.is_enabled());
        check_eq!(checks, MASK.load(Relaxed), before | u8::from(masks), "{what}: in the handler");
        check_eq!(checks, seen.saved_mask(), before, "{what}: behind it");
        check_eq!(checks, seen.events(), events, "{what}: IF behind it");
    }
}

/// A mask may have any value: all of it is saved, and any but 0 is "disabled".
fn check_whole_mask(checks: &mut Checks, words: VcpuWords) {
    traps::set_handler(INVALID_OPCODE, Some(note));
    for (flags, masks) in [(0, 0), (trap::FLAG_MASK_EVENTS, 1)] {
        check_eq!(checks, traps::install_vector(INVALID_OPCODE, flags), Ok(()));
        for mask in [0, 1, 2, 0x80, 0xa4, 0xff] {
            words.upcall_mask().store(mask, Relaxed);
            let seen = catch(raise::breakpoint).unwrap_or_default();
            check_eq!(checks, seen.saved_mask(), mask, "saved, {mask:#x}");
            check_eq!(checks, seen.events().is_enabled(), mask == 0, "IF, {mask:#x}");
            words.upcall_mask().store(mask, Relaxed);
            raise::invalid_opcode();
            check_eq!(checks, MASK.load(Relaxed), mask | masks, "in the handler, {mask:#x}");
            let behind = words.upcall_mask().load(Relaxed);
            check_eq!(checks, behind, u8::from(mask != 0), "behind it, {mask:#x}");
        }
    }
    traps::set_handler(INVALID_OPCODE, None);
    irq::irq_disable();
}

/// Where the last upcall came, the mask that it saved, and how many there were.
static INTERRUPTED: AtomicU64 = AtomicU64::new(0);
static SAVED: AtomicU8 = AtomicU8::new(0);
static UPCALLS: AtomicU64 = AtomicU64::new(0);

fn observe(frame: &mut PtRegs) {
    INTERRUPTED.store(frame.rip, Relaxed);
    SAVED.store(frame.saved_mask(), Relaxed);
    UPCALLS.fetch_add(1, Relaxed);
}

/// The vector of events has no handler of the kernel's: INT is an upcall, whatever the mask.
fn check_event_vector(checks: &mut Checks, stage: &mut Stage) {
    events::set_observer(Some(observe));
    check_eq!(checks, traps::install_vector(Vector(31), 3), Ok(()));
    for events in [Flags::IF, Flags::DISABLED] {
        UPCALLS.store(0, Relaxed);
        let start = stage.load(Ring::Kernel, &[0xcd, 31], events);
        let seen = continue_with(&start);
        check_eq!(checks, seen.cause(), exception(3), "INT 31, {events:?}");
        check_eq!(checks, seen.rip, start.rip + 3, "INT 31, {events:?}");
        check_eq!(checks, UPCALLS.load(Relaxed), 1, "INT 31, {events:?}: upcalls");
        check_eq!(checks, INTERRUPTED.load(Relaxed), start.rip + 2, "INT 31, {events:?}");
        check_eq!(
            checks,
            SAVED.load(Relaxed),
            u8::from(!events.is_enabled()),
            "INT 31, {events:?}"
        );
    }
    check_int(checks, stage, Ring::User, 31, false);
    events::set_observer(None);
}

/// An upcall that is due at the entry comes before the handler's first instruction, or, if the
/// handler masks events, on the way back.
fn check_upcall_into_handler(checks: &mut Checks, words: VcpuWords) {
    events::set_observer(Some(observe));
    traps::set_handler(INVALID_OPCODE, Some(note));
    for (flags, masks) in [(0, false), (trap::FLAG_MASK_EVENTS, true)] {
        check_eq!(checks, traps::install_vector(INVALID_OPCODE, flags), Ok(()));
        UPCALLS.store(0, Relaxed);
        // Only bytes: nobody asks the hypervisor to look.
        words.upcall_pending().store(1, Relaxed);
        words.upcall_mask().store(0, Relaxed);
        raise::invalid_opcode();
        check_eq!(checks, UPCALLS.load(Relaxed), 1, "masks: {masks}");
        check_eq!(checks, SAVED.load(Relaxed), 0, "masks: {masks}");
        let handler = entry::vector_address(INVALID_OPCODE).as_u64();
        let at_handler = INTERRUPTED.load(Relaxed) == handler;
        check_eq!(checks, at_handler, !masks, "masks: {masks}");
        check!(checks, irq::save_fl().is_enabled(), "events are enabled behind it");
        irq::irq_disable();
    }
    traps::set_handler(INVALID_OPCODE, None);
    events::set_observer(None);
}
