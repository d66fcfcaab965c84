//! One at a time, in the kernel and in a process.

use scenarios::programs::{Ring, Stage, exception};
use xenolith_guest::{
    check, check_eq,
    entry::{Frame, PtRegs, Vector},
    irq::{self, EventsOffLock, Flags},
    probe::{Window, exception::continue_with, nmi},
    scenario::Checks,
    traps,
    x86_64::structures::paging::PageTableFlags,
};

use crate::gs_base;

/// The frame of the last one, whether interrupts were enabled in the handler, and its GS.
static LAST: EventsOffLock<Option<(Frame, Flags, u64)>> = EventsOffLock::new(None);

/// `mov [rbx], eax; nop; nop`: sends one.
const SENDER: [u8; 4] = [0x89, 0x03, 0x90, 0x90];
/// Bytes of the store.
const STORE: u64 = 2;

fn note(regs: &mut PtRegs) {
    *LAST.lock() = Some((**regs, irq::save_fl(), gs_base()));
}

pub(crate) fn check(checks: &mut Checks, stage: &mut Stage) {
    traps::set_handler(Vector(2), Some(note));
    let gs = gs_base();
    for before in [Flags::IF, Flags::DISABLED] {
        irq::restore_fl(before);
        nmi::send_to_self();
        let seen = LAST.lock().take();
        check!(checks, seen.is_some(), "{before:?}: it comes");
        let (frame, inside, gs_inside) = seen.unwrap_or((Frame::ZERO, Flags::IF, 0));
        check_eq!(checks, frame.cause(), exception(2), "{before:?}");
        check_eq!(checks, frame.events(), before, "{before:?}: IF");
        check_eq!(checks, inside, Flags::DISABLED, "{before:?}: IF in the handler");
        check_eq!(checks, irq::save_fl(), before, "{before:?}: IF behind it");
        check_eq!(checks, [gs_inside, gs_base()], [gs; 2], "{before:?}: GS");
        irq::irq_disable();
    }
    // CPU 0 sends to itself by a store; nobody else has written the other half of the command.
    let (page, offset) = nmi::command_register();
    let flags = Window::DATA | PageTableFlags::USER_ACCESSIBLE | PageTableFlags::NO_CACHE;
    stage.window.map(Stage::FREE, page, flags);
    let register = stage.page(Stage::FREE) + offset as u64;
    for ring in Ring::ALL {
        for events in [Flags::IF, Flags::DISABLED] {
            let mut frame = stage.load(ring, &SENDER, events);
            (frame.rbx, frame.rax) = (register.as_u64(), nmi::COMMAND.into());
            check_registers(checks, ring, &frame, gs);
        }
    }
}

/// All registers of the frame are in that of the interrupt, and still there behind it.
fn check_registers(checks: &mut Checks, ring: Ring, start: &Frame, gs: u64) {
    let end = continue_with(start);
    let seen = LAST.lock().take();
    check!(checks, seen.is_some(), "{ring:?}: it comes");
    let (frame, _, gs_inside) = seen.unwrap_or((Frame::ZERO, Flags::IF, 0));
    let expected = Frame { cause: 2, rip: start.rip + STORE, ..*start };
    check_eq!(checks, frame, expected, "{ring:?}: the frame");
    check_eq!(checks, end.cause(), exception(3), "{ring:?}: it goes on");
    let expected = Frame { cause: 3, rip: start.rip + SENDER.len() as u64 + 1, ..*start };
    check_eq!(checks, end, expected, "{ring:?}: registers behind it");
    check_eq!(checks, [gs_inside, gs_base()], [gs; 2], "{ring:?}: GS");
}
