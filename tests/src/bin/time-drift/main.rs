//! Ten seconds: the timer, system time and the counter agree, and time never goes backwards.
//!
//! System time, timer and TSC are measured against each other at boot; an error there, or one that
//! each tick adds, shows after a while. While a vCPU sleeps nobody reads the clock, so that is where
//! it could jump.
//! Expected: 1000 ticks of 10 ms take 10 s, of system time as of a TSC of 20 MHz, to less than
//! 0.1 %; each reading is at or behind the one before, under an even version; the date goes along.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::{
    sync::atomic::{
        AtomicU64,
        Ordering::{Acquire, Relaxed},
    },
    time::Duration,
};

use scenarios::{
    buffers::Buffers,
    calls::call,
    events::{check_nothing_left, install, virq},
};
use xenolith_guest::{
    StartInfo,
    abi::{event_channel::VIRQ_TIMER, hypercall::VCPU_OP, vcpu},
    check, check_eq,
    clock::ticks,
    events::{self, Port},
    hypercall::{
        timer,
        vcpu::{set_periodic_timer, stop_periodic_timer},
    },
    irq, println,
    scenario::Checks,
    shared_info::shared_info,
    time::{self, SystemTime},
    vcpu::VcpuId,
};

xenolith_guest::scenario!(run);

const TICKS: u32 = 1000;
const PERIOD: Duration = Duration::from_millis(10);

/// Of them, the ticks for which the vCPU does not sleep but reads the clock all the time.
const WATCHED: u64 = 100;

/// What Bochs is told to count in a second (`ips`).
const TSC_HZ: u64 = 20_000_000;

/// When the last tick was served.
static SERVED_NS: AtomicU64 = AtomicU64::new(0);

fn run(checks: &mut Checks, start: &'static StartInfo) {
    install(checks);
    let served = |_| SERVED_NS.store(time::now().ns(), Relaxed);
    let Ok(port) = virq(VIRQ_TIMER, served) else { return checks.fail(format_args!("no port")) };
    check_record(checks, Buffers::new(start));
    check_ticks(checks, port);
    check_one_shots(checks, port);
    check_nothing_left(checks);
}

/// The record's parts are what its readers rely on, and a second one is the same.
fn check_record(checks: &mut Checks, mut buffers: Buffers) {
    let words = shared_info().vcpu(0).time();
    check_eq!(checks, words.version.load(Relaxed) % 2, 0, "version");
    check!(checks, words.version.load(Relaxed) != 0, "the record is written");
    check_eq!(checks, words.flags.load(Relaxed), 1, "the TSC is stable");
    check!(checks, words.tsc_to_system_mul.load(Relaxed) >= 1 << 31, "multiplier");
    check!(checks, words.tsc_timestamp.load(Relaxed) <= ticks(), "the record is of the past");
    // On one page, and across two.
    for offset in [Buffers::LONG + 256, Buffers::crossing_offset(32)] {
        buffers.window().fill(offset, 32, 0xee);
        let area = buffers.at(offset);
        buffers.window().write(Buffers::LONG, &area.to_le_bytes());
        let register = vcpu::REGISTER_VCPU_TIME_MEMORY_AREA;
        let answer = call(VCPU_OP, [register.into(), 0, buffers.at(Buffers::LONG)]);
        check_eq!(checks, answer, 0, "registration");
        let window = buffers.window();
        check_eq!(checks, window.u32(offset) % 2, 0, "version of the second record");
        let second = [8, 16].map(|at| window.u64(offset + at));
        let first = [words.tsc_timestamp, words.system_time].map(|word| word.load(Relaxed));
        check_eq!(checks, second, first, "times of the second record");
        let multiplier = words.tsc_to_system_mul.load(Relaxed);
        check_eq!(checks, window.u32(offset + 24), multiplier, "multiplier of the second record");
        let [shift, flags] = window.bytes(offset + 28);
        let expected = (words.tsc_shift.load(Relaxed), words.flags.load(Relaxed));
        check_eq!(checks, (shift.cast_signed(), flags), expected, "shift of the second record");
    }
}

/// Readings of the clock, each behind the one before.
#[derive(Debug)]
struct Readings {
    last: SystemTime,
    count: u64,
    backwards: u64,
    odd: u64,
}

impl Readings {
    fn take(&mut self) {
        let version = || shared_info().vcpu(0).time().version.load(Acquire);
        let before = version();
        let now = time::now();
        self.odd += u64::from(before % 2 != 0 && before == version());
        self.backwards += u64::from(now < self.last);
        self.count += 1;
        self.last = now;
    }
}

fn check_ticks(checks: &mut Checks, port: Port) {
    let date = time::wall_clock();
    let (began, at_start) = (time::now(), ticks());
    check_eq!(checks, set_periodic_timer(VcpuId::BOOT, nanoseconds(PERIOD)), Ok(()));
    let mut readings = Readings { last: began, count: 0, backwards: 0, odd: 0 };
    while events::count(port) < u64::from(TICKS) {
        readings.take();
        irq::irq_disable();
        if events::count(port) >= WATCHED {
            irq::safe_halt();
        }
        irq::irq_enable();
        readings.take();
    }
    let counted = ticks() - at_start;
    irq::irq_disable();
    check_eq!(checks, stop_periodic_timer(VcpuId::BOOT), Ok(()));
    let lasted = SystemTime::from_ns(SERVED_NS.load(Relaxed)) - began;
    let by_counter = Duration::from_nanos(counted * 1_000_000_000 / TSC_HZ);
    println!("{TICKS} ticks: {lasted:?}, by the TSC {by_counter:?}, {} readings", readings.count);
    let expected = PERIOD * TICKS;
    check!(checks, lasted >= expected, "{TICKS} ticks in {lasted:?}");
    check!(checks, lasted.abs_diff(expected) < expected / 10_000, "the timer: {lasted:?}");
    check!(checks, by_counter.abs_diff(expected) < expected / 1000, "the TSC: {by_counter:?}");
    check!(checks, readings.count > 10_000, "{} readings of the clock", readings.count);
    check_eq!(checks, readings.backwards, 0, "readings that went backwards");
    check_eq!(checks, readings.odd, 0, "odd versions of a settled record");
    let seconds = time::wall_clock().seconds - date.seconds;
    check!(checks, (10..=11).contains(&seconds), "{seconds} s by the date");
    check!(checks, date.seconds > 1_700_000_000, "{date} is no date");
}

/// As many one-shots, each set for a time behind the last, drift no more.
fn check_one_shots(checks: &mut Checks, port: Port) {
    let (began, before, mut early) = (time::now(), events::count(port), 0);
    for tick in 1..=TICKS {
        let deadline = began + PERIOD * tick;
        let _ = timer::set(Some(deadline));
        irq::safe_halt();
        irq::irq_disable();
        early += u32::from(time::now() < deadline);
    }
    let lasted = time::now() - began;
    check_eq!(checks, events::count(port) - before, u64::from(TICKS), "one-shots");
    check_eq!(checks, early, 0, "one-shots that were early");
    let expected = PERIOD * TICKS;
    check!(checks, lasted.abs_diff(expected) < expected / 10_000, "one-shots took {lasted:?}");
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
