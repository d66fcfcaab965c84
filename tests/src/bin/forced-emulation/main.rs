//! The prefix that asks for CPUID to be emulated: UD2, whose exception is not the kernel's then.
//!
//! Whoever looks at the bytes behind UD2 reads at an address that may leave a page and the memory,
//! and whose page the kernel may not touch under SMAP. Whoever goes on behind them leaves a way out
//! on which an event may wait.
//! Expected: in both rings, with and without a handler for #UD, CPUID's answers and nothing else
//! changed; for every other instruction, and where the bytes are not all there, #UD at UD2.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use scenarios::programs::{Ring, Stage, exception, expected, without_resume_flag};
use xenolith_guest::{
    StartInfo, check, check_eq, cpuid,
    entry::{Cause, Frame},
    events,
    hypercall::{event_channel::bind_ipi, xenolith::exit_counts},
    irq::{self, Flags},
    paging::Level,
    probe::{Window, control, exception::continue_with, tables},
    scenario::Checks,
    shared_info,
    vcpu::VcpuId,
    x86_64::{PhysAddr, VirtAddr, structures::paging::PageTableFlags},
};

xenolith_guest::scenario!(run);

/// UD2, "xen", CPUID.
const FORCED: [u8; 7] = *b"\x0f\x0bxen\x0f\xa2";

/// Leaves and sub-leaves that differ from one another.
const LEAVES: [(u32, u32); 6] =
    [(0, 0), (1, 0), (7, 0), (0x4000_0000, 0), (0x4000_0003, 2), (0x8000_0008, 0)];

const EXCEPTION: usize = 0;
const CPUID: usize = 10;
const VMCALL: usize = 18;

const PAGE: usize = 4096;
/// Two pages in a row for each ring, across which the bytes are put.
const CROSSED: [(Ring, usize); 2] = [(Ring::Kernel, 10), (Ring::User, 12)];

fn run(checks: &mut Checks, start: &'static StartInfo) {
    check_answers(checks, "without a handler", [LEAVES.len() as u64, 2 * LEAVES.len() as u64]);
    let mut stage = match Stage::build(start) {
        Ok(stage) => stage,
        Err(error) => return checks.fail(format_args!("exceptions: {error}")),
    };
    check_eq!(checks, events::install(), Ok(()));
    check_answers(checks, "with a handler", [0, 2 * LEAVES.len() as u64]);
    check_protected(checks, &mut stage, start);
    check_event(checks);
    check_end_of_lower_half(checks, &mut stage);
}

/// The answers are those of CPUID; so many exits come of exceptions and of CPUID, half of these from
/// CPUID without the prefix.
fn check_answers(checks: &mut Checks, when: &str, [exceptions, cpuids]: [u64; 2]) {
    let cpuids = cpuids - exceptions;
    let Ok(before) = exit_counts() else { return };
    for (leaf, sub_leaf) in LEAVES {
        let answer = cpuid::read_forced(leaf, sub_leaf);
        check_eq!(checks, answer, cpuid::read(leaf, sub_leaf), "leaf {leaf:#x}, {when}");
    }
    let Ok(after) = exit_counts() else { return };
    let grown = [EXCEPTION, CPUID, VMCALL].map(|reason| after.of(reason) - before.of(reason));
    check_eq!(checks, grown, [exceptions, cpuids, 1], "exits {when}");
}

/// CR4: SMEP and SMAP.
const PROTECTION: u64 = 3 << 20;

/// All that follows, with and without the kernel being kept off processes' pages.
fn check_protected(checks: &mut Checks, stage: &mut Stage, start: &StartInfo) {
    let features = cpuid::read(7, 0).ebx;
    let has = (features >> 7 & 1 != 0) && (features >> 20 & 1 != 0);
    for protection in [0, PROTECTION].into_iter().take(1 + usize::from(has)) {
        PROTECTED_BY.store(protection, Relaxed);
        for ring in Ring::ALL {
            check_registers(checks, stage, ring);
            check_other_bytes(checks, stage, ring);
        }
        for (ring, page) in CROSSED {
            check_crossing(checks, stage, ring, page, start);
        }
    }
}

/// Bits that CR4 has in addition while a program runs.
static PROTECTED_BY: AtomicU64 = AtomicU64::new(0);

/// Runs a program until an exception.
fn run_program(frame: &Frame) -> Frame {
    let cr4 = control::cr4();
    control::write_cr4(cr4 | PROTECTED_BY.load(Relaxed));
    let seen = continue_with(frame);
    control::write_cr4(cr4);
    seen
}

/// Nothing changes but the four registers of CPUID and RIP, and the one exit is that of CPUID.
fn check_registers(checks: &mut Checks, stage: &mut Stage, ring: Ring) {
    for (leaf, sub_leaf) in LEAVES {
        for events in [Flags::IF, Flags::DISABLED] {
            let mut frame = stage.load(ring, &FORCED, events);
            (frame.rax, frame.rcx) = (leaf.into(), sub_leaf.into());
            let Ok(before) = exit_counts() else { return };
            let seen = run_program(&frame);
            let Ok(after) = exit_counts() else { return };
            let grown =
                [EXCEPTION, CPUID, VMCALL].map(|reason| after.of(reason) - before.of(reason));
            check_eq!(checks, grown, [0, 1, 1], "exits, {ring:?}");
            let answer = cpuid::read(leaf, sub_leaf);
            let mut wanted = expected(&frame, &seen, frame.rip + 8, 0);
            (wanted.rax, wanted.rbx) = (answer.eax.into(), answer.ebx.into());
            (wanted.rcx, wanted.rdx) = (answer.ecx.into(), answer.edx.into());
            check_eq!(checks, seen.cause(), exception(3), "{ring:?}, leaf {leaf:#x}");
            check_eq!(checks, seen, wanted, "{ring:?}, leaf {leaf:#x}");
        }
    }
}

/// UD2 in front of anything else is what it is everywhere.
fn check_other_bytes(checks: &mut Checks, stage: &mut Stage, ring: Ring) {
    let others: [&[u8]; 8] = [
        b"\x0f\x0b",
        b"\x0f\x0b\x0f\xa2",
        b"\x0f\x0bxem\x0f\xa2",
        b"\x0f\x0bxEn\x0f\xa2",
        // RDTSC, CPUID with a prefix, BT, NOP.
        b"\x0f\x0bxen\x0f\x31",
        b"\x0f\x0bxen\x66\x0f\xa2",
        b"\x0f\x0bxen\x0f\xa3\xc0",
        b"\x0f\x0bxen\x90",
    ];
    for bytes in others {
        let frame = stage.load(ring, bytes, Flags::IF);
        check_refused(checks, &frame, format_args!("{bytes:02x?}, {ring:?}"));
    }
}

/// Checks that a program raises #UD at its first instruction, and nothing else.
fn check_refused(checks: &mut Checks, frame: &Frame, what: core::fmt::Arguments<'_>) {
    let cr2 = shared_info::of_vcpu(VcpuId::BOOT).cr2();
    let seen = run_program(frame);
    check_eq!(checks, seen.cause(), exception(6), "{what}");
    let wanted = expected(frame, &seen, frame.rip, 0);
    check_eq!(checks, without_resume_flag(&seen), wanted, "{what}");
    check_eq!(checks, shared_info::of_vcpu(VcpuId::BOOT).cr2(), cr2, "cr2, {what}");
}

/// The bytes lie across two pages: both are there, or the second is not, or leads to no memory.
fn check_crossing(
    checks: &mut Checks,
    stage: &mut Stage,
    ring: Ring,
    page: usize,
    start: &StartInfo,
) {
    let user =
        if ring == Ring::User { PageTableFlags::USER_ACCESSIBLE } else { PageTableFlags::empty() };
    let flags = Window::DATA | user;
    let beyond = PhysAddr::new((start.pages() + 0x1000) * PAGE as u64);
    for first in 2..FORCED.len() {
        let own = [page, page + 1].map(|page| stage.window.own_frame(page));
        stage.window.map(page, own[0], Window::DATA);
        stage.window.map(page + 1, own[1], Window::DATA);
        let offset = (page + 1) * PAGE - first;
        stage.window.write(offset, &FORCED);
        stage.window.write(offset + FORCED.len(), &[0xcc]);
        let rip = stage.window.address(offset).as_u64();
        let start = Frame { rip, rax: 0, rcx: 0, ..stage.load(ring, &[], Flags::IF) };
        stage.window.map(page, own[0], flags);
        for (what, frame) in [("there", Some(own[1])), ("none", None), ("beyond", Some(beyond))] {
            match frame {
                Some(frame) => stage.window.map(page + 1, frame, flags),
                None => stage.window.unmap(page + 1),
            }
            if what == "there" {
                let seen = run_program(&start);
                check_eq!(checks, seen.cause(), exception(3), "{first} bytes, {ring:?}");
                check_eq!(checks, seen.rip, rip + 8, "{first} bytes, {ring:?}");
                check_eq!(checks, seen.rax, u64::from(cpuid::read(0, 0).eax), "{ring:?}");
            } else {
                check_refused(checks, &start, format_args!("{first} bytes, {what}, {ring:?}"));
            }
        }
        stage.window.restore(page);
        stage.window.restore(page + 1);
    }
}

/// Where the last upcall has interrupted.
static UPCALL_AT: AtomicU64 = AtomicU64::new(0);

/// An event that waits comes behind the emulated instruction.
fn check_event(checks: &mut Checks) {
    let port = match bind_ipi(VcpuId::BOOT) {
        Ok(port) => port,
        Err(error) => return checks.fail(format_args!("bind_ipi: {error}")),
    };
    events::set_handler(port, |_| {});
    events::unmask(port);
    events::set_observer(Some(|frame| UPCALL_AT.store(frame.rip, Relaxed)));
    for round in 1..=3 {
        irq::irq_disable();
        check_eq!(checks, xenolith_guest::hypercall::event_channel::send(port), Ok(()));
        // Only the byte, which nobody notices.
        shared_info::of_vcpu(VcpuId::BOOT).upcall_mask().store(0, Relaxed);
        let answer = cpuid::read_forced(0, 0);
        let came = events::count(port);
        irq::irq_disable();
        check_eq!(checks, came, round, "the event has come behind CPUID");
        check_eq!(checks, answer, cpuid::read(0, 0), "registers behind the upcall");
        check!(checks, UPCALL_AT.swap(0, Relaxed) != 0, "an upcall");
    }
    events::set_observer(None);
}

/// A process whose next instruction would lie where no address is gets that exception.
fn check_end_of_lower_half(checks: &mut Checks, stage: &mut Stage) {
    const LAST: VirtAddr = VirtAddr::new(0x7fff_ffff_f000);
    const PAGES: [(Level, usize); 4] =
        [(Level::Four, 21), (Level::Three, 22), (Level::Two, 23), (Level::One, 20)];
    let window = &mut stage.window;
    window.write(20 * PAGE + PAGE - FORCED.len(), &FORCED);
    let flags = (Window::DATA | PageTableFlags::USER_ACCESSIBLE).bits();
    for (level, page) in PAGES {
        let entry = window.own_frame(page).as_u64() | flags;
        let replaced = tables::replace_entry(window.space(), LAST, level, entry);
        replaced.expect("the window's own tables");
    }
    let rip = LAST.as_u64() + (PAGE - FORCED.len()) as u64;
    let start = Frame { rip, ..stage.load(Ring::User, &[], Flags::IF) };
    let seen = run_program(&start);
    check_eq!(checks, seen.cause(), exception(13), "behind the last address");
    let at = (seen.rip, seen.rsp, seen.is_user(), seen.error_code);
    check_eq!(checks, at, (0x8000_0000_0000, start.rsp, true, 0), "behind the last address");
    check!(checks, seen.cause() != Cause::Event, "no event");
}
