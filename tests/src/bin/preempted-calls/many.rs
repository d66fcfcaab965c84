//! Calls that are cut thousands of times, almost after each request, and end.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use xenolith_guest::{
    abi::{
        errno::EAGAIN,
        hypercall::{MEMORY_OP, MMU_UPDATE},
        memory::{DECREASE_RESERVATION, POPULATE_PHYSMAP},
        xenolith::NO_RESTART,
    },
    check, check_eq,
    events::{self, Port},
    hypercall::{event_channel::bind_ipi, memory::current_reservation, xenolith::event_after},
    irq, println,
    probe::{
        Window,
        hypercall::{by_page, by_page_in_pieces},
    },
    scenario::Checks,
    vcpu::VcpuId,
};

use crate::{
    REQUESTS,
    cuts::{self, Cutting},
};

/// The port at which events come, and how many ticks from one to the next: as few as leave room for a
/// request.
static PORT: AtomicU32 = AtomicU32::new(0);
static TICKS: AtomicU64 = AtomicU64::new(700);
const FEWEST: u64 = 285;
/// What was left when the last one came.
static LEFT: AtomicU64 = AtomicU64::new(0);

/// An `mmu_update` with all requests that there is room for.
pub(crate) fn check_updates(checks: &mut Checks, window: &mut Window) {
    let port = match bind_ipi(VcpuId::BOOT) {
        Ok(port) => port,
        Err(error) => return checks.error(format_args!("no port: {error}")),
    };
    PORT.store(port.0, Relaxed);
    events::set_handler(port, |_| again());
    events::unmask(port);
    irq::irq_enable();
    let arguments = crate::arguments(window);
    let before = cuts::count();
    again();
    let answer = by_page(MMU_UPDATE, arguments);
    PORT.store(0, Relaxed);
    irq::irq_disable();
    let cuts = cuts::count() - before;
    println!("mmu_update x{REQUESTS}: {cuts} cuts, {} ticks at the end", TICKS.load(Relaxed));
    check_eq!(checks, answer, 0, "mmu_update");
    check!(checks, cuts > 1500, "{cuts} cuts");
    crate::check_done(checks, window, "cut thousands of times");
}

/// Has the next event come a little sooner than this one did, unless the call had not gone on.
fn again() {
    let port = PORT.load(Relaxed);
    if port == 0 {
        return;
    }
    let left = crate::LEFT.load(Relaxed);
    let ticks = match TICKS.load(Relaxed) {
        ticks if LEFT.swap(left, Relaxed) == left => ticks + 60,
        ticks => ticks.saturating_sub(10).max(FEWEST),
    };
    TICKS.store(ticks, Relaxed);
    // An error shows in that no call is cut.
    let _ = event_after(Port(port), ticks);
}

/// Memory given back and had again, frame by frame.
pub(crate) fn check_memory(checks: &mut Checks, window: &mut Window, first: u64) {
    const FRAMES: u64 = 1200;
    let pages = current_reservation();
    let before = cuts::count();
    let mut told = 0;
    let cutting = Cutting::every_us(150);
    for command in [DECREASE_RESERVATION, POPULATE_PHYSMAP] {
        let argument = crate::unmapped::put_frames(window, first, FRAMES);
        let arguments = [command.into(), argument, 0, 0, 0];
        let answer = by_page(MEMORY_OP, arguments);
        check_eq!(checks, answer, FRAMES.cast_signed(), "memory_op {command}");
    }
    for command in [DECREASE_RESERVATION, POPULATE_PHYSMAP] {
        let argument = crate::unmapped::put_frames(window, first, FRAMES);
        let mut arguments = [command.into(), argument, 0, 0, 0];
        let answer = loop {
            let answer = by_page_in_pieces(MEMORY_OP | NO_RESTART, &mut arguments);
            if answer != -EAGAIN {
                break answer;
            }
            told += 1;
        };
        check_eq!(checks, answer, FRAMES.cast_signed(), "memory_op {command} in pieces");
    }
    drop(cutting);
    let cuts = cuts::count() - before;
    println!("memory_op x{FRAMES}: {cuts} cuts, {told} times -EAGAIN");
    check!(checks, cuts > 300, "{cuts} cuts");
    check!(checks, told > 300, "{told} times -EAGAIN");
    check_eq!(checks, current_reservation(), pages, "memory at the end");
}
