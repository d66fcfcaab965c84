//! Floods of events: every port in use, all ready at once and for ever, and upcalls within upcalls.
//!
//! A port that comes early in the bitmaps could starve those behind it, a flood could starve the
//! timer, each upcall that interrupts another could take more of the stack, and the last port there
//! is could be one too many.
//! Expected: each port has its turn between two turns of any other; the timer is not late; the stack
//! ends where it did with the first nesting; without ports left there is -ENOSPC, whatever is bound.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::{
    ptr::from_ref,
    sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

use scenarios::events::{check_nothing_left, install, ipi, virq};
use xenolith_guest::{
    StartInfo,
    abi::{
        domain,
        errno::{EINVAL, ENOSPC},
        event_channel::{VIRQ_DEBUG, VIRQ_TIMER},
    },
    check, check_eq,
    entry::PtRegs,
    events::{self, PORTS, Port},
    hypercall::{
        Errno,
        event_channel::{
            Connection, Virq, alloc_unbound, bind_interdomain, bind_ipi, bind_virq, close, send,
            status,
        },
        timer,
    },
    irq, println,
    scenario::Checks,
    time::{self, SystemTime},
    vcpu::VcpuId,
};

xenolith_guest::scenario!(run);

/// Turns of each port while all are ready for ever.
const ROUNDS: u64 = 10;

/// Events that a single port sends itself.
const STORM: u64 = 20_000;

/// What two upcalls, one in the other, may take of the stack.
const NESTED_BYTES: usize = 4096;

/// The timer during a flood.
const TICK: Duration = Duration::from_millis(1);

/// How late it may be served: one turn of each port.
const LATE: Duration = Duration::from_millis(300);

/// Events that handlers may still send.
static LEFT: AtomicU64 = AtomicU64::new(0);

/// Where handlers, and upcalls within them, have been on the stack of upcalls: the lowest and the
/// highest place.
static LOWEST: AtomicUsize = AtomicUsize::new(usize::MAX);
static HIGHEST: AtomicUsize = AtomicUsize::new(0);

/// Whether a handler has enabled events.
static INSIDE: AtomicBool = AtomicBool::new(false);

/// Upcalls that interrupted a handler.
static NESTED: AtomicU64 = AtomicU64::new(0);

static DUE_NS: AtomicU64 = AtomicU64::new(0);
static LATEST_NS: AtomicU64 = AtomicU64::new(0);

fn note_stack<T>(local: &T) {
    LOWEST.fetch_min(from_ref(local).addr(), Relaxed);
    HIGHEST.fetch_max(from_ref(local).addr(), Relaxed);
}

/// Takes one of the events that are left.
fn take_one() -> bool {
    LEFT.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok()
}

fn send_again(port: Port) {
    note_stack(&port);
    if take_one() {
        let _ = send(port);
    }
}

/// As `send_again`, with events enabled meanwhile: the upcall comes within this one.
fn send_again_nested(port: Port) {
    note_stack(&port);
    INSIDE.store(true, Relaxed);
    irq::irq_enable();
    if take_one() {
        let _ = send(port);
        let _ = send(port);
    }
    irq::irq_disable();
    INSIDE.store(false, Relaxed);
}

/// An upcall that interrupts a handler is on its stack; any other one is not.
fn observe(frame: &mut PtRegs) {
    if INSIDE.load(Relaxed) {
        note_stack(frame);
        NESTED.fetch_add(1, Relaxed);
    }
}

fn arm(due: SystemTime) {
    DUE_NS.store(due.ns(), Relaxed);
    let _ = timer::set(Some(due));
}

fn on_timer(_: Port) {
    let now = time::now();
    LATEST_NS.fetch_max(now.ns() - DUE_NS.load(Relaxed), Relaxed);
    arm(now + TICK);
}

fn run(checks: &mut Checks, _: &'static StartInfo) {
    install(checks);
    let Ok(timer) = virq(VIRQ_TIMER, on_timer) else {
        return checks.fail(format_args!("no port for the timer"));
    };
    let used = check_storm(checks, "one after the other", send_again);
    check!(checks, used < NESTED_BYTES / 16, "{used} bytes of stack, one after the other");
    events::set_observer(Some(observe));
    let used = check_storm(checks, "one in the other", send_again_nested);
    check!(checks, (1..NESTED_BYTES).contains(&used), "{used} bytes of stack, one in the other");
    events::set_observer(None);
    check!(checks, NESTED.load(Relaxed) >= STORM / 2, "{NESTED:?} upcalls within handlers");
    let first = fill(checks);
    check_full(checks);
    check_each_once(checks, first);
    check_turns(checks, first, timer);
    empty(checks, first);
    check_nothing_left(checks);
}

/// A port whose handler sends to it again loses nothing. Returns how many bytes of the stack lie
/// between handlers.
fn check_storm(checks: &mut Checks, how: &str, handler: fn(Port)) -> usize {
    let Ok(port) = ipi(handler) else {
        checks.fail(format_args!("no port"));
        return 0;
    };
    LEFT.store(STORM, Relaxed);
    LOWEST.store(usize::MAX, Relaxed);
    HIGHEST.store(0, Relaxed);
    let before = events::count(port);
    irq::irq_enable();
    check_eq!(checks, send(port), Ok(()));
    irq::irq_disable();
    // Of two that are sent before the first is taken, one event is seen.
    check_eq!(checks, events::count(port) - before, STORM + 1, "events {how}");
    check_eq!(checks, LEFT.load(Relaxed), 0, "events not sent, {how}");
    check_eq!(checks, close(port), Ok(()));
    HIGHEST.load(Relaxed).saturating_sub(LOWEST.load(Relaxed))
}

/// Takes all ports that are left; returns the first.
fn fill(checks: &mut Checks) -> Port {
    let mut next = Port(1);
    while status(domain::SELF, next).is_ok_and(|it| it.connection != Connection::Closed) {
        next.0 += 1;
    }
    let first = next;
    loop {
        match bind_ipi(VcpuId::BOOT) {
            Ok(port) if port == next => next.0 += 1,
            Ok(port) => break checks.fail(format_args!("port {port} instead of {next}")),
            Err(error) => break check_eq!(checks, error, Errno(ENOSPC)),
        }
    }
    check_eq!(checks, next.0, PORTS, "ports that could be bound");
    first
}

/// Without a port left nothing can be bound, and what is bound stays.
fn check_full(checks: &mut Checks) {
    let full = Err(Errno(ENOSPC));
    check_eq!(checks, bind_ipi(VcpuId::BOOT), full);
    check_eq!(checks, alloc_unbound(domain::SELF, domain::SELF), full);
    check_eq!(checks, bind_virq(Virq(VIRQ_DEBUG), VcpuId::BOOT), full);
    let last = Port(PORTS - 1);
    check_eq!(checks, bind_interdomain(domain::SELF, last), full, "bind_interdomain");
    check_eq!(checks, status(domain::SELF, last).map(|it| it.connection), Ok(Connection::Ipi));
    // The last one that is freed is the one that is bound next, to anything.
    check_eq!(checks, close(last), Ok(()));
    check_eq!(checks, bind_virq(Virq(VIRQ_DEBUG), VcpuId::BOOT), Ok(last));
    check_eq!(checks, close(last), Ok(()));
    check_eq!(checks, bind_ipi(VcpuId::BOOT), Ok(last));
}

/// All ports at once; each event comes once.
fn check_each_once(checks: &mut Checks, first: Port) {
    LEFT.store(0, Relaxed);
    for port in ports(first) {
        events::set_handler(port, send_again);
        events::unmask(port);
    }
    let before = events::upcalls();
    let counts = Counts::of(first);
    let refused = ports(first).filter(|&port| send(port).is_err()).count();
    check_eq!(checks, refused, 0, "sends that were refused");
    check_eq!(checks, events::upcalls(), before, "upcalls while disabled");
    irq::irq_enable();
    irq::irq_disable();
    check_eq!(checks, events::upcalls(), before + 1, "upcalls for all ports");
    check_eq!(checks, Counts::of(first), counts.plus(1), "events of each port");
}

/// All ports are ready at all times.
fn check_turns(checks: &mut Checks, first: Port, timer: Port) {
    let (before, ticks) = (Counts::of(first), events::count(timer));
    let number = u64::from(PORTS - first.0);
    LEFT.store(number * (ROUNDS - 1), Relaxed);
    for port in ports(first) {
        let _ = send(port);
    }
    let start = time::now();
    arm(start + TICK);
    irq::irq_enable();
    irq::irq_disable();
    let _ = timer::set(None);
    scenarios::events::forget(timer);
    let lasted = time::now() - start;
    check_eq!(checks, Counts::of(first), before.plus(ROUNDS), "turns of each port");
    let ticks = events::count(timer) - ticks;
    let late = Duration::from_nanos(LATEST_NS.load(Relaxed));
    println!("{number} ports, {ROUNDS} turns each: {lasted:?}, {ticks} ticks, {late:?} late");
    // The timer has its turn among the others.
    check!(checks, (ROUNDS - 1..=2 * ROUNDS).contains(&ticks), "{ticks} ticks in the flood");
    check!(checks, late < LATE, "a tick is served {late:?} late");
}

/// Closes all ports again: they can be bound anew, the lowest first, and nothing else works.
fn empty(checks: &mut Checks, first: Port) {
    let refused = ports(first).filter(|&port| close(port).is_err()).count();
    check_eq!(checks, refused, 0, "ports that could not be closed");
    let open = ports(first).filter(|&port| {
        send(port) != Err(Errno(EINVAL))
            || close(port) != Err(Errno(EINVAL))
            || status(domain::SELF, port).map(|it| it.connection) != Ok(Connection::Closed)
    });
    check_eq!(checks, open.count(), 0, "ports that are not quite closed");
    check_eq!(checks, bind_ipi(VcpuId::BOOT), Ok(first));
    check_eq!(checks, close(first), Ok(()));
}

fn ports(first: Port) -> impl Iterator<Item = Port> {
    (first.0..PORTS).map(Port)
}

/// The least and the greatest number of events that a port has had.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Counts(Option<u64>, Option<u64>);

impl Counts {
    fn of(first: Port) -> Self {
        // The first few ports have had storms.
        let counts = || ports(Port(first.0 + 1)).map(events::count);
        Self(counts().min(), counts().max())
    }

    fn plus(self, more: u64) -> Self {
        Self(self.0.map(|count| count + more), self.1.map(|count| count + more))
    }
}
