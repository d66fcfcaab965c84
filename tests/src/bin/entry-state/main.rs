//! What entries keep: RCU's state and tracing's, in nested upcalls, NMIs in upcalls, idle times and
//! processes.
//!
//! State kept in one place per vCPU instead of by value is wrong behind the first nested entry.
//! Expected: RCU watches in every handler, whatever was interrupted; tracing sees pairs; only the
//! outermost upcall changes to the stack of upcalls; an NMI in an upcall changes nothing; a process
//! does not keep other tasks from running.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use xenolith_guest::{
    StartInfo, check, check_eq, context,
    entry::{Cause, PtRegs},
    events::{self, Port},
    hypercall::{
        callback::Kind,
        event_channel::{bind_ipi, send},
        vcpu::send_nmi,
    },
    irq, probe,
    probe::{Window, callbacks},
    rcu,
    scenario::Checks,
    tasks, time, traps, user,
    vcpu::VcpuId,
    x86_64::structures::paging::PageTableFlags,
};

xenolith_guest::scenario!(run);

static OUTER: AtomicU32 = AtomicU32::new(0);
static INNER: AtomicU32 = AtomicU32::new(0);
/// What went wrong in a handler, each a bit; and how often each handler ran.
static WRONG: AtomicU64 = AtomicU64::new(0);
static NMIS: AtomicU64 = AtomicU64::new(0);
static TRACED: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];

fn expect(bit: u32, holds: bool) {
    WRONG.fetch_or(u64::from(!holds) << bit, Relaxed);
}

fn is_on_task_stack() -> bool {
    let here = 0_u8;
    let here = xenolith_guest::x86_64::VirtAddr::from_ptr(&raw const here);
    tasks::stack().contains(&here)
}

/// Serves the outer event: another comes while it does, and an NMI.
fn outer(_: Port) {
    drop(rcu::read_lock());
    expect(0, !is_on_task_stack() && context::current().count.in_hardirq());
    let before = NMIS.load(Relaxed);
    expect(1, send_nmi(VcpuId::BOOT).is_ok());
    expect(2, NMIS.load(Relaxed) == before + 1);
    expect(3, !irq::save_fl().is_enabled() && context::current().watching.is_watching());
    irq::irq_enable();
    expect(4, send(Port(INNER.load(Relaxed))).is_ok());
    irq::irq_disable();
    expect(5, context::current().count.in_hardirq() && !context::current().trace.is_enabled());
}

fn nmi(_: &mut PtRegs) {
    let context = context::current();
    expect(8, context.count.in_nmi() && context.watching.is_watching());
    expect(9, !context.trace.is_enabled());
    NMIS.fetch_add(1, Relaxed);
}

fn run(checks: &mut Checks, start: &'static StartInfo) {
    check_eq!(checks, user::install(), Ok(()));
    if scenarios::tasks::start(checks, start).is_none() {
        return;
    }
    traps::set_nmi_handler(Some(nmi));
    check_eq!(
        checks,
        callbacks::register(Kind::Nmi, 0, xenolith_guest::entry::nmi_address()),
        Ok(())
    );
    for (place, handler) in [(&OUTER, outer as events::Handler), (&INNER, |_| {})] {
        match bind_ipi(VcpuId::BOOT) {
            Ok(port) => {
                place.store(port.0, Relaxed);
                events::set_handler(port, handler);
                events::unmask(port);
            }
            Err(error) => return checks.fail(format_args!("bind_ipi: {error}")),
        }
    }
    context::current().trace.set_observer(Some(|enabled| {
        drop(rcu::read_lock());
        TRACED[usize::from(enabled)].fetch_add(1, Relaxed);
    }));
    check_nesting(checks, "in a task");
    probe::rcu::stop_watching();
    check_nesting(checks, "while RCU does not watch");
    check!(checks, !context::current().watching.is_watching(), "nor does it afterwards");
    probe::rcu::start_watching();
    check_idle(checks);
    check_process(checks, start);
    let [off, on] = TRACED.each_ref().map(|count| count.load(Relaxed));
    check!(checks, off > 10 && off == on, "tracing saw {off} times off, {on} times on");
    check_eq!(checks, WRONG.load(Relaxed), 0, "what handlers found wrong");
}

/// An upcall with another and an NMI in it.
fn check_nesting(checks: &mut Checks, when: &str) {
    let ports = [&OUTER, &INNER].map(|port| Port(port.load(Relaxed)));
    let before = ports.map(events::count);
    let traced = TRACED.each_ref().map(|count| count.load(Relaxed));
    check_eq!(checks, send(ports[0]), Ok(()));
    let served = [0, 1].map(|index| events::count(ports[index]) - before[index]);
    check_eq!(checks, served, [1, 1], "events {when}");
    let told = [0, 1].map(|index| TRACED[index].load(Relaxed) - traced[index]);
    check_eq!(checks, told, [1, 1], "tracing {when}: nested entries change nothing");
    check!(checks, context::current().trace.is_enabled(), "as tracing has it {when}");
    check!(checks, context::current().count.is_zero(), "counts {when}");
    check_eq!(checks, WRONG.load(Relaxed), 0, "what handlers found wrong {when}");
}

/// The idle task is interrupted by a timer, whose handler reads.
fn check_idle(checks: &mut Checks) {
    static READS: AtomicU64 = AtomicU64::new(0);
    let deadline = time::now() + Duration::from_millis(5);
    let handler = |_| {
        drop(rcu::read_lock());
        READS.fetch_add(1, Relaxed);
    };
    let alarm = time::set_alarm(time::Alarm { deadline, period: None, handler });
    check!(checks, alarm.is_ok(), "an alarm");
    tasks::sleep(Duration::from_millis(10));
    check_eq!(checks, READS.load(Relaxed), 1, "reads in an upcall of the idle task");
}

/// A process that never leaves user mode by itself, beside a task.
fn check_process(checks: &mut Checks, start: &'static StartInfo) {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let other = tasks::spawn("other", || {
        for _ in 0..5 {
            COUNT.fetch_add(1, Relaxed);
            tasks::sleep(Duration::from_millis(1));
        }
        5
    });
    let mut window = Window::take(start);
    let flags = Window::DATA | PageTableFlags::USER_ACCESSIBLE;
    window.map(0, window.own_frame(0), flags);
    window.map(1, window.own_frame(1), flags);
    // mov ecx, 20_000_000; 1: dec ecx; jnz 1b; syscall
    window.write(0, &[0xb9, 0x00, 0x2d, 0x31, 0x01, 0xff, 0xc9, 0x75, 0xfc, 0x0f, 0x05]);
    let mut frame = user::program(window.address(0), window.address(2 * 4096));
    check_eq!(checks, user::run(&mut frame), Cause::SystemCall);
    check_eq!(checks, COUNT.load(Relaxed), 5, "the other task ran beside the process");
    check!(checks, context::current().watching.is_watching(), "RCU watches behind a process");
    check_eq!(checks, other.map(tasks::join), Ok(Ok(5)));
}
