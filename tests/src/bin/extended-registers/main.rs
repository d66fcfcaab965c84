//! What entries keep for themselves, below the registers on the stack.
//!
//! A word too many between the registers and what was pushed in front of them would be another register
//! to every handler, and what an entry keeps could be written over by the next one, or by a handler that
//! changes registers.
//! Expected: registers begin where they would without auxiliary state and hold what was interrupted; what
//! the entry has found is below them, whatever that is; nested entries have their own.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

use xenolith_guest::{
    StartInfo, check, check_eq,
    entry::{ExtendedPtRegs, Frame, PtRegs, Vector},
    events,
    irq::EventsOffLock,
    probe::{self, raise, registers::Registers, registers::ud2},
    scenario::Checks,
    traps,
};

xenolith_guest::scenario!(run);

const INVALID_OPCODE: Vector = Vector(6);
const BREAKPOINT: Vector = Vector(3);

/// What a handler has seen.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Seen {
    /// Where the registers are, and what the entry keeps.
    regs: u64,
    auxiliary: u64,
    /// What was interrupted.
    frame: Frame,
    /// Whether RCU did not watch.
    was_idle: bool,
}

static SEEN: EventsOffLock<Option<Seen>> = EventsOffLock::new(None);

/// Whether the handler of #UD shall meet an exception itself, and change all registers that it may.
static NESTS: AtomicBool = AtomicBool::new(false);

fn address<T>(of: &T) -> u64 {
    core::ptr::from_ref(of).addr() as u64
}

fn look(regs: &PtRegs) -> Seen {
    let auxiliary = regs.auxiliary();
    let was_idle = auxiliary.entry.irq().exit_rcu();
    Seen { regs: address(regs), auxiliary: address(auxiliary), frame: **regs, was_idle }
}

/// Notes what is there, and goes on behind the two bytes of UD2.
fn note(regs: &mut PtRegs) {
    let before = look(regs);
    if NESTS.load(Relaxed) {
        raise::breakpoint();
    }
    // Not the same if the exception in between has changed anything.
    *SEEN.lock() = Some(before).filter(|before| look(regs) == *before);
    regs.rip += 2;
}

fn taken(checks: &mut Checks, what: &str) -> Seen {
    let seen = SEEN.lock().take();
    check!(checks, seen.is_some(), "{what}: no handler was called, or an entry in it left traces");
    seen.unwrap_or_default()
}

fn run(checks: &mut Checks, _: &'static StartInfo) {
    check_eq!(checks, traps::install(), Ok(()));
    check_eq!(checks, events::install(), Ok(()));
    traps::set_handler(INVALID_OPCODE, Some(note));
    traps::set_handler(BREAKPOINT, Some(|_| {}));
    check_places(checks);
    check_contents(checks, "alone");
    NESTS.store(true, Relaxed);
    check_contents(checks, "with another exception in the handler");
    check_idle(checks);
}

/// Where the registers are follows from the stack pointer, and from nothing else.
fn check_places(checks: &mut Checks) {
    for offset in 0..32 {
        raise::invalid_opcode_with_stack(offset);
        let seen = taken(checks, "places");
        let end = seen.frame.rsp & !0xf;
        check_eq!(checks, seen.regs, end - size_of::<Frame>() as u64, "{offset} bytes lower");
        let bytes = ExtendedPtRegs::AUXILIARY_BYTES as u64;
        check_eq!(checks, seen.auxiliary, seen.regs - bytes, "{offset} bytes lower");
    }
}

/// Every register is the handler's to see, in its own word.
fn check_contents(checks: &mut Checks, when: &str) {
    for seed in 0..10 {
        let before = Registers::pattern(seed);
        let mut after = before;
        ud2(&mut after);
        let Frame {
            r15, r14, r13, r12, rbp, rbx, r10, r9, r8, rax, rdx, rsi, rdi, rcx, r11, ..
        } = taken(checks, when).frame;
        let rflags = before.rflags;
        let seen = Registers {
            rax,
            rbx,
            rcx,
            rdx,
            rsi,
            rdi,
            rbp,
            r8,
            r9,
            r10,
            r11,
            r12,
            r13,
            r14,
            r15,
            rflags,
        };
        check_eq!(checks, seen, before, "what the handler sees {when}");
        let kept = Registers { rflags, ..after };
        check_eq!(checks, kept, before, "what goes on {when}");
    }
}

/// The entry finds something else, and the handler sees no difference but that.
fn check_idle(checks: &mut Checks) {
    /// One place for all, so that nothing else differs.
    #[inline(never)]
    fn here(checks: &mut Checks, what: &str) -> Seen {
        ud2(&mut Registers::pattern(99));
        taken(checks, what)
    }
    let rounds = [false, true, false].map(|idle| {
        if idle {
            probe::rcu::stop_watching();
        }
        let seen = here(checks, if idle { "idle" } else { "not idle" });
        if idle {
            probe::rcu::start_watching();
        }
        check_eq!(checks, seen.was_idle, idle, "what the entry has found");
        Seen { was_idle: false, ..seen }
    });
    check_eq!(checks, rounds[1].regs, rounds[0].regs, "where the registers are");
    check_eq!(checks, rounds[1], rounds[0], "all that a handler sees");
    check_eq!(checks, rounds[2], rounds[0], "all that a handler sees afterwards");
}
