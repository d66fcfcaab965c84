//! Time: the TSC and the local APIC's timer, measured, and the date.
//!
//! What a hypervisor would keep in the shared page is filled in once: the record that turns the TSC
//! into system time, and the date at which that began.

use core::sync::atomic::Ordering::{Relaxed, Release};

use spin::Once;
use x86_64::instructions::port::Port;
use xenolith_core::time::{CmosDate, Countdown, Scale};

use super::apic;
use crate::{clock::ticks, shared_info, time::SystemTime, vcpu};

/// Frequency of the PIT in Hz.
const PIT_HZ: u32 = 1_193_182;
/// Length of the measurement in ms.
const MEASURED_MS: u32 = 10;
/// Polls after which a device that does not answer is not there.
const STUCK_POLLS: u32 = 50_000_000;

static TIMER: Once<Countdown> = Once::new();

/// Measures both by the PIT and fills in the shared page.
///
/// # Panics
///
/// If there is no PIT.
pub(super) fn init() {
    apic::start_timer(u32::MAX);
    let (tsc, count) = (ticks(), apic::timer_ticks());
    assert!(wait_by_pit(), "there is no PIT to measure time by");
    let (tsc, count) = (ticks() - tsc, count - apic::timer_ticks());
    apic::start_timer(0);
    let khz = |ticks: u64| u32::try_from(ticks / u64::from(MEASURED_MS)).unwrap_or(u32::MAX);
    TIMER.call_once(|| Countdown::from_khz(khz(count.into())));
    let scale = Scale::from_khz(khz(tsc)).expect("a TSC counts");
    let record = shared_info::of_vcpu(vcpu::current()).time();
    record.tsc_timestamp.store(ticks(), Relaxed);
    record.tsc_to_system_mul.store(scale.multiplier, Relaxed);
    record.tsc_shift.store(scale.shift, Relaxed);
    record.version.store(2, Release);
    let seconds = CmosDate::read(cmos).unix_seconds().unwrap_or(0);
    let half = |bits: u64| u32::try_from(bits & 0xffff_ffff).expect("it is masked");
    let began = shared_info::shared_info().wall_clock();
    began.seconds.store(half(seconds), Relaxed);
    began.seconds_high.store(half(seconds >> 32), Relaxed);
    began.version.store(2, Release);
}

/// Has the timer interrupt at a time, or at once if that has passed, or as late as it can.
pub(super) fn set_timer(deadline: SystemTime) {
    let Some(timer) = TIMER.get() else { return };
    let ns = deadline.ns().saturating_sub(crate::time::now().ns());
    apic::start_timer(timer.ticks(timer.within_reach(ns)));
}

fn out(port: u16, value: u8) {
    // SAFETY: the ports are those of the PIT and of the clock, which only this file uses.
    unsafe { Port::new(port).write(value) };
}

fn input(port: u16) -> u8 {
    // SAFETY: likewise; reading them changes nothing that matters.
    unsafe { Port::new(port).read() }
}

/// Waits for [`MEASURED_MS`] by the PIT's second channel; returns whether there is one.
fn wait_by_pit() -> bool {
    const COUNT: u32 = PIT_HZ * MEASURED_MS / 1000;
    const CONTROL: u16 = 0x61;
    let [low, high, ..] = COUNT.to_le_bytes();
    // Speaker off, gate closed; mode 0, count; gate open.
    let gate = input(CONTROL) & !3;
    for (port, value) in
        [(CONTROL, gate), (0x43, 0xb0), (0x42, low), (0x42, high), (CONTROL, gate | 1)]
    {
        out(port, value);
    }
    (0..STUCK_POLLS).any(|_| input(CONTROL) & 0x20 != 0)
}

fn cmos(register: u8) -> u8 {
    out(0x70, register);
    input(0x71)
}
