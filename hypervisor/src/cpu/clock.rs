//! Time: the TSC, and the local APIC's timer measured against it.

use super::{apic, features};
use core::arch::x86_64::_rdtsc;
use log::{info, warn};
use x86_64::instructions::port::Port;
use xenolith_core::time;

/// The CPU's clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// Frequency of the TSC in kHz.
    pub(crate) tsc_khz: u32,
    /// The local APIC's timer.
    timer: time::Countdown,
    /// The TSC when time began.
    start: u64,
}

/// Frequency of the PIT in Hz.
const PIT_HZ: u32 = 1_193_182;
/// Length of the measurement in ms.
const MEASURED_MS: u32 = 10;
/// The PIT has not counted down after this many polls: there is none.
const STUCK_POLLS: u32 = 50_000_000;

/// Returns the TSC.
pub(crate) fn tsc() -> u64 {
    // SAFETY: every 64-bit CPU has the instruction.
    unsafe { _rdtsc() }
}

impl Clock {
    /// Measures TSC and timer against the PIT. What CPUID says of the TSC counts only where there
    /// is no PIT: what matters is that TSC and interrupts agree.
    pub(crate) fn calibrate() -> Self {
        apic::start_timer(u32::MAX);
        let (start, first) = (tsc(), apic::timer_ticks());
        let measured = wait_by_pit();
        let (cycles, ticks) = (tsc() - start, first - apic::timer_ticks());
        apic::start_timer(0);
        let per_ms = |count: u64| u32::try_from(count / u64::from(MEASURED_MS)).unwrap_or(u32::MAX);
        let named = features::tsc_khz();
        let (tsc_khz, timer_khz) = if measured {
            (per_ms(cycles).max(1), per_ms(u64::from(ticks)).max(1))
        } else {
            warn!("no PIT to measure time by; CPUID says {named} kHz");
            let khz = named.max(1000);
            let timer = u64::from(ticks) * u64::from(khz) / cycles.max(1);
            (khz, u32::try_from(timer).unwrap_or(u32::MAX).max(1))
        };
        info!("TSC {tsc_khz} kHz by the PIT (CPUID: {named}), APIC timer {timer_khz} kHz");
        let timer = time::Countdown::from_khz(timer_khz);
        Self { tsc_khz, timer, start: tsc() }
    }

    /// Returns the system time, which began when the clock was measured.
    ///
    /// # Panics
    ///
    /// Never: a TSC that was measured counts.
    pub(crate) fn system_time(&self) -> time::Clock {
        let scale = time::Scale::from_khz(self.tsc_khz).expect("a TSC that was measured counts");
        time::Clock { tsc: self.start, system_time_ns: 0, scale }
    }

    /// Lets an interrupt come in `ns`, or as late as the timer can; returns in how many.
    pub(crate) fn arm(&self, ns: u64) -> u64 {
        let ns = self.timer.within_reach(ns);
        apic::start_timer(self.timer.ticks(ns));
        ns
    }
}

/// Waits for [`MEASURED_MS`] by the PIT's second channel; returns whether there is one.
fn wait_by_pit() -> bool {
    const COUNT: u32 = PIT_HZ * MEASURED_MS / 1000;
    let [low, high, ..] = COUNT.to_le_bytes();
    let mut control = Port::<u8>::new(0x61);
    // SAFETY: the port gates the PIT's second channel, which nothing else uses; speaker off.
    let gate = unsafe { control.read() } & !3;
    for (port, value) in [(0x61, gate), (0x43, 0xb0), (0x42, low), (0x42, high), (0x61, gate | 1)] {
        // SAFETY: as above: mode 0, count, gate.
        unsafe { Port::<u8>::new(port).write(value) };
    }
    // SAFETY: reading the port changes nothing.
    (0..STUCK_POLLS).any(|_| unsafe { control.read() } & 0x20 != 0)
}
