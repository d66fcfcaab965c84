//! What a vCPU's time was spent on, as the hypercall tells and as the guest's memory shows.
//!
//! A hypervisor that counts in one place and forgets another tells times that do not add up, and
//! one that writes to an address of the guest's may find it gone.
//! Expected: the states' times add up to the system time; sleep is blocked time and work is
//! running time; the record in memory is that of the last change; an address that cannot be
//! written does no harm.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::time::Duration;

use scenarios::{buffers::Buffers, calls::call};
use xenolith_guest::{
    StartInfo,
    abi::{
        hypercall::VCPU_OP,
        vcpu::{
            REGISTER_RUNSTATE_MEMORY_AREA, RUNSTATE_BLOCKED, RUNSTATE_RUNNING, RUNSTATE_UPDATE,
        },
        vm_assist::TYPE_RUNSTATE_UPDATE_FLAG,
    },
    check, check_eq, events,
    hypercall::{
        sched,
        vcpu::{RunstateInfo, runstate},
        vm_assist,
    },
    irq,
    probe::Window,
    scenario::Checks,
    static_pages::PAGE_BYTES,
    time, traps,
    vcpu::VcpuId,
};

xenolith_guest::scenario!(run);

const RUNNING: usize = RUNSTATE_RUNNING as usize;
const BLOCKED: usize = RUNSTATE_BLOCKED as usize;
const MS: u64 = 1_000_000;

fn run(checks: &mut Checks, start: &'static StartInfo) {
    check_eq!(checks, traps::install(), Ok(()));
    check_eq!(checks, events::install(), Ok(()));
    check_eq!(checks, time::install().map(drop), Ok(()));
    irq::irq_enable();
    let mut buffers = Buffers::new(start);
    check_spent(checks, "working", RUNNING, || work(Duration::from_millis(10)));
    check_spent(checks, "sleeping", BLOCKED, sleep);
    check_spent(checks, "polling", BLOCKED, poll);
    check_area(checks, &mut buffers);
    check_bad_areas(checks, &mut buffers);
}

fn work(how_long: Duration) {
    let end = time::now() + how_long;
    while time::now() < end {}
}

fn sleep() {
    let _ = time::sleep(Duration::from_millis(20));
}

fn poll() {
    irq::irq_disable();
    let _ = sched::poll(&[], Some(time::now() + Duration::from_millis(15)));
    irq::irq_enable();
}

/// Asks for the record; it must agree with the clock.
fn asked(checks: &mut Checks) -> RunstateInfo {
    let before = time::now().ns();
    let info = runstate(VcpuId::BOOT);
    let after = time::now().ns();
    let Ok(info) = info else {
        checks.fail(format_args!("{info:?}"));
        return RunstateInfo { state: -1, padding: 0, state_entry_time: 0, time: [0; 4] };
    };
    let sum = info.time.iter().sum::<u64>();
    check!(checks, (before..=after).contains(&sum), "{sum} ns of {before} to {after}");
    check!(checks, info.state_entry_time <= before, "the state was entered before");
    check_eq!(checks, info.state, RUNSTATE_RUNNING);
    check_eq!(checks, [info.time[1], info.time[3]], [0, 0], "runnable and offline");
    info
}

/// Time spent so goes to `state`, at least 10 ms and almost all of it.
fn check_spent(checks: &mut Checks, what: &str, state: usize, doing: impl Fn()) {
    let before = asked(checks);
    doing();
    let after = asked(checks);
    let [running, _, blocked, _] = core::array::from_fn(|at| after.time[at] - before.time[at]);
    let (spent, rest) = if state == RUNNING { (running, blocked) } else { (blocked, running) };
    check!(checks, spent >= 10 * MS, "{what}: {spent} ns in the state");
    check!(checks, rest < 2 * MS, "{what}: {rest} ns in the other");
}

fn register(buffers: &mut Buffers, address: u64) -> i64 {
    buffers.window().write(Buffers::GOOD, &address.to_le_bytes());
    call(VCPU_OP, [REGISTER_RUNSTATE_MEMORY_AREA.into(), 0, buffers.good()])
}

/// Where the record is: on two pages.
const AREA: usize = 10 * PAGE_BYTES - 24;

fn shown(window: &Window) -> RunstateInfo {
    RunstateInfo {
        state: window.u32(AREA).cast_signed(),
        padding: 0,
        state_entry_time: window.u64(AREA + 8),
        time: core::array::from_fn(|state| window.u64(AREA + 16 + 8 * state)),
    }
}

fn check_area(checks: &mut Checks, buffers: &mut Buffers) {
    let address = buffers.at(AREA);
    buffers.window().fill(AREA, 48, 0xee);
    check_eq!(checks, register(buffers, address), 0);
    let mut last = shown(buffers.window());
    for flagged in [false, true, false] {
        let change = if flagged { vm_assist::enable } else { vm_assist::disable };
        check_eq!(checks, change(TYPE_RUNSTATE_UPDATE_FLAG), Ok(()));
        let info = asked(checks);
        check_eq!(checks, last.state, RUNSTATE_RUNNING, "state in memory");
        check_eq!(checks, last.state_entry_time, info.state_entry_time, "the last change");
        check_eq!(checks, last.state_entry_time & RUNSTATE_UPDATE, 0, "no update is going on");
        check_eq!(checks, last.time[BLOCKED], info.time[BLOCKED], "blocked");
        check_eq!(checks, last.time.iter().sum::<u64>(), last.state_entry_time, "it adds up");
        for wait in [sleep, poll] {
            wait();
            let next = shown(buffers.window());
            check!(checks, next.state_entry_time > last.state_entry_time, "it is a new one");
            check!(
                checks,
                next.time[BLOCKED] >= last.time[BLOCKED] + 10 * MS,
                "blocked for longer"
            );
            last = next;
        }
    }
}

fn check_bad_areas(checks: &mut Checks, buffers: &mut Buffers) {
    let last = shown(buffers.window());
    for (what, address) in buffers.unwritable(48) {
        check_eq!(checks, register(buffers, address), 0, "an area that is {what}");
        check_spent(checks, what, BLOCKED, sleep);
    }
    let address = buffers.at(AREA);
    check_eq!(checks, register(buffers, address), 0);
    let frame = buffers.window().own_frame(AREA / PAGE_BYTES + 1);
    buffers.window().unmap(AREA / PAGE_BYTES + 1);
    check_spent(checks, "an area that has gone", BLOCKED, sleep);
    buffers.window().map(AREA / PAGE_BYTES + 1, frame, Window::DATA);
    check_spent(checks, "an area that has come back", BLOCKED, poll);
    let now = shown(buffers.window());
    check!(checks, now.time[BLOCKED] >= last.time[BLOCKED] + 40 * MS, "it is written again");
    for (what, address) in [("not canonical", 1 << 47), ("in the hole", 0xffff_8000_0000_0000)] {
        check!(checks, register(buffers, address) < 0, "an area that is {what}");
    }
}
