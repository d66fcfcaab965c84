//! A data breakpoint that MOV SS holds back over SYSCALL: it is met in the kernel.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use scenarios::programs::{Ring, Stage};
use xenolith_guest::{
    abi::segment::FLAT_USER_SS64,
    check, check_eq,
    entry::{Cause, Frame, PtRegs, Vector},
    irq::{EventsOffLock, Flags},
    probe::{debug, exception::continue_with, msr},
    scenario::Checks,
    traps,
};

use crate::gs_base;

/// `mov ss, [rbx]; syscall`
const SYSCALL: [u8; 4] = [0x8e, 0x13, 0x0f, 0x05];

/// IA32_LSTAR.
const LSTAR: u32 = 0xc000_0082;

/// Breakpoint 0, enabled, on reading or writing two bytes; and DR7 without any.
const ON_ACCESS: u64 = 1 | 0b0111 << 16 | 1 << 10;
const NONE: u64 = 1 << 10;

static LAST: EventsOffLock<Option<(Frame, u64)>> = EventsOffLock::new(None);
static STATUS: AtomicU64 = AtomicU64::new(0);

fn note(regs: &mut PtRegs) {
    STATUS.store(debug::read_status(), Relaxed);
    debug::write_control(NONE);
    *LAST.lock() = Some((**regs, gs_base()));
}

pub(crate) fn check(checks: &mut Checks, stage: &mut Stage) {
    traps::set_handler(Vector(1), Some(note));
    let gs = gs_base();
    let selector = stage.share(Stage::FREE + 1, &[FLAT_USER_SS64.into()]).as_u64();
    let start = Frame { rbx: selector, ..stage.load(Ring::User, &SYSCALL, Flags::IF) };
    debug::write_addresses([selector, 0, 0, 0]);
    debug::write_status(0);
    debug::write_control(ON_ACCESS);
    let end = continue_with(&start);
    debug::write_control(NONE);
    check_eq!(checks, end.cause(), Cause::SystemCall, "it goes on");
    check_eq!(checks, end.rip, start.rip + SYSCALL.len() as u64, "rip");
    check_eq!(checks, [end.rsp, end.rbx, end.r15], [start.rsp, selector, start.r15]);
    let seen = LAST.lock().take();
    check!(checks, seen.is_some(), "#DB comes");
    let (frame, gs_inside) = seen.unwrap_or_default();
    check_eq!(checks, STATUS.load(Relaxed) & 0xf, 1, "the breakpoint");
    check_eq!(checks, frame.is_user(), false, "it is the kernel's");
    check_eq!(checks, frame.rip, msr::read(LSTAR), "where SYSCALL enters");
    check_eq!(checks, frame.rsp, start.rsp, "on the process's stack");
    check_eq!(checks, [gs_inside, gs_base()], [gs; 2], "GS");
    traps::set_handler(Vector(1), None);
}
