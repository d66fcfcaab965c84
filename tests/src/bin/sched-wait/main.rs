//! Waiting: `block` and `poll`, and what ends them.
//!
//! An event that comes between the look for work and the wait must end the wait, or the kernel
//! sleeps for good. A poll must leave mask and events alone and end for what it was told to wait
//! for, masked or not, and for nothing else.
//! Expected: `block` clears the whole mask byte and is back behind the upcall; `poll` is back with
//! its event, at its time, or at once where Xen says so; each misuse has Xen's error number.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::{sync::atomic::Ordering::Relaxed, time::Duration};

use scenarios::{
    buffers::Buffers,
    calls::call,
    events::{check_nothing_left, forget, install, ipi, is_pending, spin_until, virq},
};
use xenolith_guest::{
    StartInfo,
    abi::{
        errno::{EFAULT, EINVAL},
        event_channel::VIRQ_TIMER,
        hypercall::SCHED_OP,
        sched,
    },
    check, check_eq,
    events::{self, PORTS, Port},
    hypercall::{
        Errno,
        event_channel::{close, send},
        sched::{block, poll, yield_now},
        timer,
    },
    irq,
    scenario::Checks,
    shared_info::shared_info,
    time::{self, SystemTime},
};

xenolith_guest::scenario!(run);

/// How long a wait that is over at once may take, and how late one may end.
const AT_ONCE: Duration = Duration::from_micros(300);
const MS: Duration = Duration::from_millis(1);

fn run(checks: &mut Checks, start: &'static StartInfo) {
    install(checks);
    let (Ok(timer), Ok(own), Ok(other)) = (virq(VIRQ_TIMER, |_| {}), ipi(|_| {}), ipi(|_| {}))
    else {
        return checks.fail(format_args!("no ports"));
    };
    check_block_with_event(checks, own);
    check_block(checks, timer);
    check_block_many(checks, timer);
    check_poll_times(checks, &[timer, own, other]);
    check_poll_pending(checks, own, other);
    check_poll_event(checks, timer, own);
    check_poll_enabled(checks, timer, own);
    check_poll_refused(checks, own);
    check_poll_arguments(checks, &mut Buffers::new(start), own);
    check_yield(checks, timer);
    check_nothing_left(checks);
}

fn mask() -> u8 {
    shared_info().vcpu(0).upcall_mask().load(Relaxed)
}

/// Runs `action`; returns how long it took.
fn timed(action: impl FnOnce()) -> Duration {
    let before = time::now();
    action();
    time::now() - before
}

fn after(duration: Duration) -> SystemTime {
    time::now() + duration
}

/// An event that came before ends the wait at once, and is served before the return.
fn check_block_with_event(checks: &mut Checks, own: Port) {
    for value in [1, 2, 0x80, 0xff] {
        let before = events::count(own);
        shared_info().vcpu(0).upcall_mask().store(value, Relaxed);
        check_eq!(checks, send(own), Ok(()));
        check_eq!(checks, events::count(own), before, "mask {value:#x}");
        let took = timed(|| check_eq!(checks, block(), Ok(())));
        check!(checks, took < AT_ONCE, "block with an event took {took:?}");
        check_eq!(checks, events::count(own), before + 1, "mask {value:#x}: behind block");
        check_eq!(checks, mask(), 0, "mask {value:#x}: behind block");
    }
    irq::irq_disable();
}

/// Without an event the wait lasts until one comes.
fn check_block(checks: &mut Checks, timer: Port) {
    for value in [0, 1, 0x80] {
        for ms in [1, 5, 20] {
            let before = events::count(timer);
            let deadline = after(ms * MS);
            check_eq!(checks, timer::set(Some(deadline)), Ok(()));
            shared_info().vcpu(0).upcall_mask().store(value, Relaxed);
            check_eq!(checks, block(), Ok(()), "mask {value:#x}");
            let now = time::now();
            check!(checks, now >= deadline, "block was over {:?} early", deadline - now);
            check!(checks, now - deadline < AT_ONCE, "block was over {:?} late", now - deadline);
            check_eq!(checks, events::count(timer), before + 1, "behind block");
            check_eq!(checks, mask(), 0, "mask {value:#x}: behind block");
            irq::irq_disable();
        }
    }
}

/// The timer is due at any moment around the wait: no wake-up is lost.
fn check_block_many(checks: &mut Checks, timer: Port) {
    let before = events::count(timer);
    let mut longest = Duration::ZERO;
    for round in 0..3000_u64 {
        let deadline = after(Duration::from_nanos(round * 20));
        let _ = timer::set(Some(deadline));
        longest = longest.max(timed(irq::safe_halt));
        irq::irq_disable();
    }
    check!(checks, longest < Duration::from_millis(1), "the longest wait took {longest:?}");
    check_eq!(checks, events::count(timer) - before, 3000, "events of the timer");
}

/// A poll ends at its time, and at once if that has passed.
fn check_poll_times(checks: &mut Checks, ports: &[Port]) {
    for ports in [&[][..], &ports[..1], ports] {
        for ms in [1, 5, 20] {
            let deadline = after(ms * MS);
            check_eq!(checks, poll(ports, Some(deadline)), Ok(()));
            let now = time::now();
            check!(checks, now >= deadline, "poll was over {:?} early", deadline - now);
            check!(checks, now - deadline < AT_ONCE, "poll was over {:?} late", now - deadline);
            check_eq!(checks, mask(), 1, "mask behind a poll");
        }
        for past in [1, time::now().ns(), 1 << 63, u64::MAX] {
            let past = Some(SystemTime::from_ns(past));
            let took = timed(|| check_eq!(checks, poll(ports, past), Ok(())));
            check!(checks, took < AT_ONCE, "poll until {past:?} took {took:?}");
        }
    }
}

/// An event that is there already, at any place of the list, masked or not.
fn check_poll_pending(checks: &mut Checks, own: Port, other: Port) {
    let mut ports = [other; 128];
    for place in [0, 1, 64, 127] {
        for masked in [false, true] {
            ports.fill(other);
            ports[place] = own;
            if masked {
                events::mask(own);
            }
            check_eq!(checks, send(own), Ok(()));
            let took = timed(|| check_eq!(checks, poll(&ports, None), Ok(())));
            // It takes some time to look at them all.
            check!(checks, took < MS, "poll with an event at {place} took {took:?}");
            check!(checks, is_pending(own), "a poll leaves the event");
            check_eq!(checks, mask(), 1, "a poll leaves the mask");
            check_eq!(checks, events::mask(own), !masked, "a poll leaves the port's mask");
            forget(own);
            events::unmask(own);
        }
    }
    irq::irq_enable();
    irq::irq_disable();
}

/// An event that comes while the vCPU sleeps, masked or not; one of another port does not count.
fn check_poll_event(checks: &mut Checks, timer: Port, own: Port) {
    events::mask(timer);
    for ports in [&[timer][..], &[own, timer], &[timer, own], &[]] {
        let deadline = after(2 * MS);
        check_eq!(checks, timer::set(Some(deadline)), Ok(()));
        check_eq!(checks, poll(ports, Some(deadline + 50 * MS)), Ok(()));
        let now = time::now();
        check!(checks, now >= deadline, "poll was over {:?} early", deadline - now);
        check!(checks, now - deadline < AT_ONCE, "poll was over {:?} late", now - deadline);
        check!(checks, is_pending(timer), "a poll leaves the event");
        forget(timer);
    }
    let deadline = after(10 * MS);
    check_eq!(checks, timer::set(Some(after(2 * MS))), Ok(()));
    check_eq!(checks, poll(&[own], Some(deadline)), Ok(()));
    check!(checks, time::now() >= deadline, "another port's event ended a poll");
    check!(checks, is_pending(timer), "the other port's event");
    forget(timer);
    events::unmask(timer);
}

/// With events enabled an upcall ends a poll, whatever it is for, and has been served behind it.
fn check_poll_enabled(checks: &mut Checks, timer: Port, own: Port) {
    irq::irq_enable();
    for ports in [&[own][..], &[timer], &[own, timer]] {
        let before = events::count(timer);
        let deadline = after(2 * MS);
        check_eq!(checks, timer::set(Some(deadline)), Ok(()));
        check_eq!(checks, poll(ports, None), Ok(()));
        let now = time::now();
        check!(checks, now >= deadline, "poll was over {:?} early", deadline - now);
        check!(checks, now - deadline < AT_ONCE, "poll was over {:?} late", now - deadline);
        check_eq!(checks, events::count(timer), before + 1, "events behind a poll");
        check_eq!(checks, mask(), 0, "mask behind a poll");
    }
    irq::irq_disable();
    // One that is due and allowed counts before the ports are looked at.
    check_eq!(checks, send(own), Ok(()));
    let before = events::count(own);
    shared_info().vcpu(0).upcall_mask().store(0, Relaxed);
    check_eq!(checks, poll(&[Port(PORTS)], None), Ok(()), "with an upcall due");
    check_eq!(checks, events::count(own), before + 1);
    irq::irq_disable();
}

/// Ports that nothing can ever come to.
fn check_poll_refused(checks: &mut Checks, own: Port) {
    let Ok(closed) = ipi(|_| {}) else { return checks.fail(format_args!("no port")) };
    check_eq!(checks, close(closed), Ok(()));
    for port in [Port(0), closed, Port(63), Port(64), Port(PORTS - 1), Port(PORTS), Port(u32::MAX)]
    {
        for ports in [&[port][..], &[own, port]] {
            let answer = poll(ports, Some(after(50 * MS)));
            check_eq!(checks, answer, Err(Errno(EINVAL)), "poll for {ports:?}");
        }
        // What is behind an event is not looked at.
        events::mask(own);
        check_eq!(checks, send(own), Ok(()));
        check_eq!(checks, poll(&[own, port], None), Ok(()), "an event before port {port}");
        let answer = poll(&[port, own], None);
        check_eq!(checks, answer, Err(Errno(EINVAL)), "port {port} before an event");
        forget(own);
        events::unmask(own);
    }
    let soon = after(2 * MS);
    check_eq!(checks, poll(&[own; 128], Some(soon)), Ok(()), "as many as there may be");
    check_eq!(checks, poll(&[own; 129], Some(soon)), Err(Errno(EINVAL)), "one more");
    // The number has the upper half of its register to itself.
    check_eq!(checks, mask(), 1, "mask behind what was refused");
}

fn check_poll_arguments(checks: &mut Checks, buffers: &mut Buffers, own: Port) {
    let at = Buffers::LONG;
    let run = |buffers: &mut Buffers, ports: u64, count: u32| {
        let deadline = after(MS).ns();
        buffers.window().write(at, &ports.to_le_bytes());
        buffers.window().write(at + 8, &count.to_le_bytes());
        buffers.window().write(at + 16, &deadline.to_le_bytes());
        call(SCHED_OP, [sched::POLL.into(), buffers.at(at), 0])
    };
    for (what, address) in buffers.unreadable(24) {
        let answer = call(SCHED_OP, [sched::POLL.into(), address, 0]);
        check_eq!(checks, answer, -EFAULT, "poll with an argument {what}");
    }
    let half = Buffers::crossing_offset(8);
    buffers.window().write(half, &own.0.to_le_bytes());
    buffers.window().write(half + 4, &own.0.to_le_bytes());
    let good = buffers.at(half);
    check_eq!(checks, run(buffers, good, 2), 0, "ports on two pages");
    for (what, address) in buffers.unreadable(4) {
        check_eq!(checks, run(buffers, address, 1), -EFAULT, "poll for ports {what}");
        check_eq!(checks, run(buffers, address, 129), -EINVAL, "129 ports {what}");
    }
}

/// A yield is back at once, with events or without.
fn check_yield(checks: &mut Checks, timer: Port) {
    let before = events::count(timer);
    irq::irq_enable();
    check_eq!(checks, timer::set(Some(after(2 * MS))), Ok(()));
    let is_over = || {
        let _ = yield_now();
        events::count(timer) != before
    };
    check!(checks, spin_until(4 * MS, is_over), "an event between yields");
    irq::irq_disable();
    check_eq!(checks, events::count(timer), before + 1);
}
