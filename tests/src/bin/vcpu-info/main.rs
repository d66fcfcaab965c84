//! `VCPUOP_register_vcpu_info`: the record of a vCPU moves out of the shared page.
//!
//! Root, the resident and the guest each know where the record is; one that still used the old place
//! would lose an event or read a mask that nobody sets.
//! Expected: a bad place is refused and changes nothing; after the move everything happens in the new
//! record and nothing in the old one, and an upcall comes, since an event might have been lost.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use scenarios::{
    calls::call,
    programs::{Ring, Stage, exception},
};
use xenolith_guest::{
    StartInfo,
    abi::{
        errno::{EBUSY, EFAULT, EINVAL, ENOENT, ENXIO},
        hypercall::VCPU_OP,
        vcpu::REGISTER_VCPU_INFO,
    },
    check, check_eq,
    entry::{Frame, PtRegs},
    events,
    hypercall::event_channel::{bind_ipi, send},
    irq::{self, Flags},
    probe::{Window, exception::continue_with, relocation::relocate},
    scenario::Checks,
    shared_info::{self, VcpuWords, shared_info},
    time,
    vcpu::VcpuId,
};

xenolith_guest::scenario!(run);

/// Offset of the record in its page: the last that fits.
const OFFSET: u32 = 4096 - 64;
const UNMAPPED: u64 = 0x1234_5678_9000;

static UPCALLS: AtomicU64 = AtomicU64::new(0);

fn count(_: &mut PtRegs) {
    UPCALLS.fetch_add(1, Relaxed);
}

fn run(checks: &mut Checks, start: &'static StartInfo) {
    let mut stage = match Stage::build(start) {
        Ok(stage) => stage,
        Err(error) => return checks.fail(format_args!("exceptions: {error}")),
    };
    check_eq!(checks, events::install(), Ok(()));
    events::set_observer(Some(count));
    let old = shared_info().vcpu(0);
    check_refused(checks, &mut stage.window, start, false);
    let before = time::now();
    check_eq!(checks, relocate(start, OFFSET).map(drop), Ok(()));
    let new = shared_info::of_vcpu(VcpuId::BOOT);
    check_copy(checks, old, new);
    check!(checks, time::now() >= before, "time goes on");
    // From here on nobody may look at the old record: its mask says "disabled", and nothing is due.
    old.upcall_mask().store(0xff, Relaxed);
    old.upcall_pending().store(0, Relaxed);
    old.pending_selector().store(0, Relaxed);
    check_first_upcall(checks, new);
    check_events(checks, new);
    check_frames(checks, &mut stage, new);
    check_page_fault(checks, &mut stage, old, new);
    check_eq!(checks, old.upcall_mask().load(Relaxed), 0xff, "the old mask");
    check_eq!(checks, old.upcall_pending().load(Relaxed), 0, "the old pending byte");
    check_eq!(checks, old.pending_selector().load(Relaxed), 0, "the old selector");
    check_refused(checks, &mut stage.window, start, true);
}

/// Tries all places that cannot be, and, once it has moved, one that could.
fn check_refused(checks: &mut Checks, window: &mut Window, start: &StartInfo, moved: bool) {
    let argument = Stage::FREE * 4096;
    let at = window.address(argument).as_u64();
    let good = window.own_frame(Stage::FREE + 1).as_u64() / 4096;
    let later = |errno: i64| if moved { -EBUSY } else { -errno };
    for (mfn, offset, answer) in [
        (good, 4096 - 63, -ENXIO),
        (good, 4096 - 56, -ENXIO),
        (good, 4096, -ENXIO),
        (good, 8192, -ENXIO),
        (good, u32::MAX, -ENXIO),
        (good, 4, -ENXIO),
        (start.pages(), 0, later(EINVAL)),
        (u64::MAX, 0, later(EINVAL)),
        (1 << 52, 0, later(EINVAL)),
    ] {
        window.write(argument, &mfn.to_le_bytes());
        window.write(argument + 8, &u64::from(offset).to_le_bytes());
        let refused = call(VCPU_OP, [REGISTER_VCPU_INFO.into(), 0, at]);
        check_eq!(checks, refused, answer, "frame {mfn:#x}, offset {offset}, moved: {moved}");
    }
    let of_nobody = call(VCPU_OP, [REGISTER_VCPU_INFO.into(), 1, at]);
    check_eq!(checks, of_nobody, -ENOENT, "another vCPU");
    let unread = call(VCPU_OP, [REGISTER_VCPU_INFO.into(), 0, UNMAPPED]);
    check_eq!(checks, unread, -EFAULT, "no argument");
    if moved {
        window.write(argument, &good.to_le_bytes());
        window.write(argument + 8, &[0; 8]);
        let again = call(VCPU_OP, [REGISTER_VCPU_INFO.into(), 0, at]);
        check_eq!(checks, again, -EBUSY, "a second time");
    }
}

/// The record has been copied, all words are selected and an upcall is due.
fn check_copy(checks: &mut Checks, old: VcpuWords, new: VcpuWords) {
    check_eq!(checks, new.upcall_mask().load(Relaxed), 1, "mask");
    check_eq!(checks, new.upcall_pending().load(Relaxed), 1, "pending");
    check_eq!(checks, new.pending_selector().load(Relaxed), u64::MAX, "selector");
    let time = |words: VcpuWords| {
        let t = words.time();
        let (system, stamp) = (t.system_time.load(Relaxed), t.tsc_timestamp.load(Relaxed));
        let (factor, shift) = (t.tsc_to_system_mul.load(Relaxed), t.tsc_shift.load(Relaxed));
        (system, stamp, factor, shift, t.version.load(Relaxed) & 1)
    };
    check_eq!(checks, time(new), time(old), "time");
    check_eq!(checks, UPCALLS.load(Relaxed), 0, "no upcall while masked");
}

/// The upcall that is due comes when events are enabled, and finds nothing.
fn check_first_upcall(checks: &mut Checks, new: VcpuWords) {
    irq::irq_enable();
    check_eq!(checks, UPCALLS.swap(0, Relaxed), 1, "the upcall of the move");
    check_eq!(checks, events::unexpected(), 0, "which finds no event");
    check_eq!(checks, new.upcall_mask().load(Relaxed), 0, "mask behind it");
    check_eq!(checks, new.upcall_pending().load(Relaxed), 0, "pending behind it");
    irq::irq_disable();
    check_eq!(checks, new.upcall_mask().load(Relaxed), 1, "mask");
}

/// Events come through the new record: at once, when enabled, and on the way into a process.
fn check_events(checks: &mut Checks, new: VcpuWords) {
    let port = match bind_ipi(VcpuId::BOOT) {
        Ok(port) => port,
        Err(error) => return checks.fail(format_args!("bind_ipi: {error}")),
    };
    events::set_handler(port, |_| {});
    events::unmask(port);
    check_eq!(checks, send(port), Ok(()));
    check_eq!(checks, new.upcall_pending().load(Relaxed), 1, "pending while disabled");
    check_eq!(checks, events::count(port), 0, "while disabled");
    irq::irq_enable();
    check_eq!(checks, events::count(port), 1, "when enabled");
    check_eq!(checks, send(port), Ok(()));
    check_eq!(checks, events::count(port), 2, "while enabled");
    irq::irq_disable();
}

/// Frames show the new record's mask, and the way back sets it.
fn check_frames(checks: &mut Checks, stage: &mut Stage, new: VcpuWords) {
    for ring in Ring::ALL {
        for events in [Flags::IF, Flags::DISABLED] {
            let start = stage.load(ring, &[], events);
            let seen = continue_with(&start);
            let mask = u8::from(!events.is_enabled());
            check_eq!(checks, seen.saved_mask(), mask, "{ring:?}, {events:?}: saved mask");
            check_eq!(checks, seen.events(), events, "{ring:?}, {events:?}: IF");
            check_eq!(checks, new.upcall_mask().load(Relaxed), 1, "{ring:?}, {events:?}: mask");
        }
    }
}

fn check_page_fault(checks: &mut Checks, stage: &mut Stage, old: VcpuWords, new: VcpuWords) {
    let before = old.cr2();
    // MOV RAX, [RBX]
    let start = stage.load(Ring::User, &[0x48, 0x8b, 0x03], Flags::IF);
    let seen = continue_with(&Frame { rbx: UNMAPPED, ..start });
    check_eq!(checks, seen.cause(), exception(14), "a page fault");
    check_eq!(checks, new.cr2(), UNMAPPED, "cr2");
    check_eq!(checks, old.cr2(), before, "the old cr2");
}
