//! What entries take away, keep and give back.

use core::{
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    time::Duration,
};

use scenarios::programs::{Ring, Stage};
use xenolith_guest::{
    check, check_eq,
    entry::{Cause, PtRegs, Vector},
    irq::{EventsOffLock, Flags},
    probe::{
        Window,
        exception::{catch, continue_with},
        msr, raise,
    },
    protection_keys::{self, Access, Pkrs},
    scenario::Checks,
    tasks, time, traps,
};

use crate::{PAGES, keys};

const IA32_PKRS: u32 = 0x6e1;
const BREAKPOINT: Vector = Vector(3);
const INVALID_OPCODE: Vector = Vector(6);
const PAGE_FAULT: Vector = Vector(14);
const NMI: Vector = Vector(2);

/// What a handler finds: beside the registers, and in the register.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Found {
    saved: Option<Pkrs>,
    register: u64,
}

fn find(regs: &PtRegs) -> Found {
    Found { saved: regs.auxiliary().arch.pkrs(), register: msr::read(IA32_PKRS) }
}

/// What a handler must find that interrupts a task with this value.
fn expected(saved: Pkrs) -> Found {
    Found { saved: Some(saved), register: Pkrs::DEFAULT.bits().into() }
}

/// What an outer handler has found, an inner one, and the outer one behind it.
static FOUND: EventsOffLock<[Found; 3]> =
    EventsOffLock::new([const { Found { saved: None, register: 0 } }; 3]);

pub(crate) fn check(checks: &mut Checks, stage: &mut Stage) {
    check_nested(checks);
    check_granted(checks, &mut stage.window);
    check_interrupts(checks);
    check_left(checks);
    check_user(checks, stage);
}

fn outer(regs: &mut PtRegs) {
    let first = find(regs);
    keys()[1].set_access(Access::Write);
    raise::breakpoint();
    let behind = find(regs);
    let inner = FOUND.lock()[1];
    *FOUND.lock() = [first, inner, behind];
    // Behind the two bytes of UD2; INT 2 is behind us.
    regs.rip += if regs.cause() == Cause::Exception(INVALID_OPCODE) { 2 } else { 0 };
}

fn inner(regs: &mut PtRegs) {
    let found = find(regs);
    keys()[0].set_access(Access::Read);
    FOUND.lock()[1] = found;
}

/// An exception in the handler of another, which has given itself access; both ways around.
fn check_nested(checks: &mut Checks) {
    let [first, second] = keys();
    traps::set_handler(BREAKPOINT, Some(inner));
    let raises: [(Vector, fn()); 2] =
        [(INVALID_OPCODE, raise::invalid_opcode), (NMI, raise::non_maskable)];
    for (vector, raise) in raises {
        traps::set_handler(vector, Some(outer));
        for access in [Access::None, Access::Read, Access::Write] {
            first.set_access(access);
            let mine = Pkrs::DEFAULT.with(first, access);
            raise();
            let in_handler = Pkrs::DEFAULT.with(second, Access::Write);
            let behind = Found { saved: Some(mine), register: in_handler.bits().into() };
            let wanted = [expected(mine), expected(in_handler), behind];
            check_eq!(checks, *FOUND.lock(), wanted, "{vector:?}, {access:?}: outer, inner, outer");
            check_eq!(checks, protection_keys::current(), Some(mine), "{access:?}: afterwards");
        }
        traps::set_handler(vector, None);
    }
    traps::set_handler(BREAKPOINT, None);
}

static FAULTS: AtomicU32 = AtomicU32::new(0);

/// Gives what was interrupted the access that it lacked.
fn grant(regs: &mut PtRegs) {
    FAULTS.fetch_add(1, Relaxed);
    let arch = &regs.auxiliary().arch;
    let saved = arch.pkrs().expect("page faults keep it");
    arch.set_pkrs(saved.with(keys()[0], Access::Write));
}

/// A handler may change what goes on, as it may change registers.
fn check_granted(checks: &mut Checks, window: &mut Window) {
    keys()[0].set_access(Access::Read);
    traps::set_handler(PAGE_FAULT, Some(grant));
    window.write(PAGES[0] * 4096 + 16, &[42]);
    traps::set_handler(PAGE_FAULT, None);
    check_eq!(checks, window.bytes(PAGES[0] * 4096 + 16), [42], "the store was made again");
    check_eq!(checks, FAULTS.load(Relaxed), 1, "page faults");
    check_eq!(checks, keys()[0].access(), Access::Write, "behind the fault");
}

static IN_ALARMS: EventsOffLock<(u32, Option<Pkrs>)> = EventsOffLock::new((0, None));

/// Handlers of events have the kernel's own access too.
fn check_interrupts(checks: &mut Checks) {
    let key = keys()[0];
    key.set_access(Access::Write);
    let handler = |_| {
        let mut seen = IN_ALARMS.lock();
        *seen = (seen.0 + 1, protection_keys::current());
    };
    let deadline = time::now() + Duration::from_millis(1);
    let alarm = time::set_alarm(time::Alarm { deadline, period: None, handler });
    check!(checks, alarm.is_ok(), "an alarm");
    let end = deadline + Duration::from_millis(2);
    let mut changed = 0;
    while time::now() < end {
        changed += u32::from(key.access() != Access::Write);
    }
    check_eq!(checks, *IN_ALARMS.lock(), (1, Some(Pkrs::DEFAULT)), "in the alarm");
    check_eq!(checks, changed, 0, "behind interrupts");
    tasks::sleep(Duration::from_millis(3));
    check_eq!(checks, key.access(), Access::Write, "behind the idle task");
}

/// Who is left by an exception goes on elsewhere with what it had.
fn check_left(checks: &mut Checks) {
    for access in [Access::Read, Access::Write] {
        keys()[0].set_access(access);
        check!(checks, catch(raise::invalid_opcode).is_some(), "an exception");
        check_eq!(checks, keys()[0].access(), access, "behind an exception that was caught");
    }
}

/// Exceptions and system calls of ring 3 change nothing for the task.
fn check_user(checks: &mut Checks, stage: &mut Stage) {
    let mine = protection_keys::current();
    for code in [&[0x0f, 0x0b], &[0x0f, 0x05]] {
        let frame = stage.load(Ring::User, code, Flags::IF);
        continue_with(&frame);
        check_eq!(checks, protection_keys::current(), mine, "behind {code:x?} in ring 3");
    }
}
