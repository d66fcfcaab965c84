//! `callback_op`, `set_callbacks`, `stack_switch`: where the kernel is entered, and on which stack.
//!
//! Expected: Xen's errors for what cannot be registered or taken away, with what was registered still
//! there; #UD at the SYSCALL of a process whose kernel has no callback; frames from a process at the
//! end of the stack that was named last, aligned, whatever the low bits of its address.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use scenarios::{
    calls::call,
    programs::{Ring, Stage, exception, expected, without_resume_flag},
};
use xenolith_guest::{
    StartInfo,
    abi::{
        callback::{
            REGISTER, TYPE_EVENT, TYPE_FAILSAFE, TYPE_NMI, TYPE_SYSCALL, TYPE_SYSCALL32,
            TYPE_SYSENTER, UNREGISTER,
        },
        errno::{EFAULT, EINVAL, ENOSYS},
        hypercall::{CALLBACK_OP, SET_CALLBACKS, STACK_SWITCH},
    },
    check, check_eq,
    entry::{self, Cause, Frame, PtRegs, Vector},
    events,
    irq::Flags,
    probe::{Window, callbacks, exception::continue_with},
    scenario::Checks,
    traps, user,
    x86_64::VirtAddr,
};

xenolith_guest::scenario!(run);

/// Offset of the argument of `callback_op` in the window.
const ARGUMENT: usize = Stage::FREE * 4096;
/// Page that serves as a stack of the kernel's.
const STACK: usize = Stage::FREE + 1;
const NOT_CANONICAL: u64 = 0x8000_0000_0000;
const UNMAPPED: u64 = 0x1234_5678_9000;
/// SYSCALL.
const SYSTEM_CALL: &[u8] = &[0x0f, 0x05];

fn run(checks: &mut Checks, start: &'static StartInfo) {
    let mut stage = match Stage::build(start) {
        Ok(stage) => stage,
        Err(error) => return checks.fail(format_args!("exceptions: {error}")),
    };
    check_eq!(checks, events::install(), Ok(()));
    check_operations(checks, &mut stage.window);
    check_system_call(checks, &mut stage, Cause::SystemCall);
    check_set_callbacks(checks, &mut stage);
    check_stacks(checks, &mut stage);
}

/// Makes `callback_op` with an argument of this type and address.
fn operate(window: &mut Window, operation: u32, kind: u16, address: u64) -> i64 {
    window.write(ARGUMENT, &u64::from(kind).to_le_bytes());
    window.write(ARGUMENT + 8, &address.to_le_bytes());
    let argument = window.address(ARGUMENT).as_u64();
    call(CALLBACK_OP, [operation.into(), argument, 0])
}

fn check_operations(checks: &mut Checks, window: &mut Window) {
    let good = entry::syscall_address().as_u64();
    let upcall = entry::upcall_address().as_u64();
    for (kind, address, registered, taken) in [
        (TYPE_EVENT, upcall, 0, -EINVAL),
        (TYPE_FAILSAFE, upcall, 0, -EINVAL),
        (TYPE_SYSCALL, good, 0, -EINVAL),
        (TYPE_SYSCALL32, good, 0, -EINVAL),
        (TYPE_SYSENTER, good, 0, -EINVAL),
        (TYPE_NMI, upcall, 0, 0),
        (6, good, -ENOSYS, -ENOSYS),
        (8, good, -ENOSYS, -ENOSYS),
        (u16::MAX, good, -ENOSYS, -ENOSYS),
    ] {
        check_eq!(checks, operate(window, REGISTER, kind, address), registered, "type {kind}");
        let wild = operate(window, REGISTER, kind, NOT_CANONICAL);
        check_eq!(checks, wild, -EINVAL, "type {kind}, not canonical");
        check_eq!(checks, operate(window, UNREGISTER, kind, 0), taken, "type {kind}, taken away");
    }
    for operation in [2, 3, u32::MAX] {
        check_eq!(checks, operate(window, operation, 0, good), -ENOSYS, "operation {operation}");
    }
    for operation in [REGISTER, UNREGISTER] {
        let unread = call(CALLBACK_OP, [operation.into(), UNMAPPED, 0]);
        check_eq!(checks, unread, -EFAULT, "operation {operation}, no argument");
    }
}

/// A system call of a process, with the callback registered or not.
fn check_system_call(checks: &mut Checks, stage: &mut Stage, cause: Cause) {
    let registered = cause == Cause::SystemCall;
    for events in [Flags::IF, Flags::DISABLED] {
        let start = stage.load(Ring::User, SYSTEM_CALL, events);
        let seen = continue_with(&start);
        let what = format_args!("a system call, {cause:?}, {events:?}");
        check_eq!(checks, seen.cause(), cause, "{what}");
        let rip = start.rip + if registered { 2 } else { 0 };
        let wanted = expected(&start, &seen, rip, 0);
        // The processor has put its return address and flags there, in either case.
        let wanted = Frame { rcx: start.rip + 2, r11: seen.r11, ..wanted };
        check_eq!(checks, without_resume_flag(&seen), wanted, "{what}");
        check_eq!(checks, seen.r11 & !Flags::IF.bits(), 2, "{what}: r11");
    }
}

/// Each of the three counts for itself: 0 takes it away, a bad one is passed over.
fn check_set_callbacks(checks: &mut Checks, stage: &mut Stage) {
    let (event, syscall) = (entry::upcall_address(), entry::syscall_address());
    let none = VirtAddr::zero();
    check_eq!(checks, callbacks::set_callbacks([event, none, none]), Ok(()), "none");
    check_system_call(checks, stage, exception(6));
    check_eq!(checks, callbacks::set_callbacks([event, event, syscall]), Ok(()), "all");
    check_system_call(checks, stage, Cause::SystemCall);
    let wild = call(SET_CALLBACKS, [event.as_u64(), NOT_CANONICAL, NOT_CANONICAL]);
    check_eq!(checks, wild, 0, "two that are not canonical");
    check_system_call(checks, stage, Cause::SystemCall);
    let wild = call(SET_CALLBACKS, [NOT_CANONICAL, NOT_CANONICAL, 0]);
    check_eq!(checks, wild, 0, "two that are not canonical, and none");
    check_system_call(checks, stage, exception(6));
    check_eq!(checks, user::install(), Ok(()), "the usual ones");
}

/// Where the last frame ended.
static FRAME_END: AtomicU64 = AtomicU64::new(0);

fn note(frame: &mut PtRegs) {
    let end = core::ptr::from_ref(frame).wrapping_add(1).addr();
    FRAME_END.store(end as u64, Relaxed);
    if frame.cause() == exception(6) {
        frame.rip += 2;
    }
}

/// Exceptions and system calls come onto the stack named last; exceptions of the kernel do not.
fn check_stacks(checks: &mut Checks, stage: &mut Stage) {
    let end = stage.page(STACK + 1).as_u64();
    traps::set_handler(Vector(6), Some(note));
    traps::set_system_call_handler(Some(note));
    for below in [0, 1, 8, 15, 16, 24, 4096 - 512] {
        for ss in [0, 0xe02b, u64::MAX] {
            let stack = end - below;
            check_eq!(checks, call(STACK_SWITCH, [ss, stack, 0]), 0, "{below} bytes lower");
            for (ring, code, wanted) in [
                (Ring::User, [0x0f, 0x0b], stack & !15),
                (Ring::User, [0x0f, 0x05], stack & !15),
                (Ring::Kernel, [0x0f, 0x0b], 0),
            ] {
                let start = stage.load(ring, &code, Flags::IF);
                let seen = continue_with(&start);
                check_eq!(checks, seen.cause(), exception(3), "{ring:?} {code:x?}");
                let wanted = if wanted == 0 { start.rsp } else { wanted };
                let found = FRAME_END.load(Relaxed);
                check_eq!(checks, found, wanted, "{ring:?} {code:x?}, {below} bytes lower");
            }
        }
    }
    check!(checks, user::install().is_ok(), "the usual stack");
    traps::set_handler(Vector(6), None);
    traps::set_system_call_handler(None);
}
