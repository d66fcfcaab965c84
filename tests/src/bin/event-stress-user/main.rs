//! A process that is interrupted anywhere, a great many times: nobody must notice.
//!
//! On the way out of a process and back into it the stack, GS and the mode change hands; an event
//! that comes in the middle, or a register that is not put back, shows as a count that is off.
//! Expected: a loop over registers and memory counts right to the last turn under a fast timer and
//! events sent before each entry, its other registers stay as they were, and every event comes.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use scenarios::events::{check_nothing_left, install, ipi, spin_until, virq};
use xenolith_guest::{
    StartInfo,
    abi::event_channel::VIRQ_TIMER,
    check, check_eq,
    entry::{Cause, Frame, PtRegs},
    events::{self, Port},
    hypercall::{event_channel::send, timer},
    irq, println,
    probe::Window,
    scenario::Checks,
    time, user,
    x86_64::structures::paging::PageTableFlags,
};

xenolith_guest::scenario!(run);

/// Entries into the process, and turns of its loop in each.
const ENTRIES: u64 = 30_000;
const TURNS: u64 = 60;

/// Entries before which an event is sent: one of so many.
const SENDS: u64 = 3;

/// The shortest time between two events of the timer, and what is added up to.
const PERIOD_NS: u64 = 100_000;
const SPREAD_NS: u64 = 100_000;

/// Where the process counts in memory: behind its code, on the page of its stack.
const COUNTER: usize = 4096;

/// The loop, and a system call behind it.
const PROGRAM: [u8; 16] = [
    0x48, 0xff, 0xc0, // inc rax
    0x48, 0xff, 0xc3, // inc rbx
    0x48, 0xff, 0x07, // inc qword ptr [rdi]
    0x49, 0xff, 0xcc, // dec r12
    0x75, 0xf2, // jnz to the start
    0x0f, 0x05, // syscall
];

static ARMED: AtomicU64 = AtomicU64::new(0);
static STOPPED: AtomicBool = AtomicBool::new(false);

/// Events that came while the process ran.
static INTERRUPTED: AtomicU64 = AtomicU64::new(0);

fn arm() {
    let number = ARMED.fetch_add(1, Relaxed);
    let spread = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) % SPREAD_NS;
    let _ = timer::set(Some(time::now() + Duration::from_nanos(PERIOD_NS + spread)));
}

fn on_timer(_: Port) {
    if !STOPPED.load(Relaxed) {
        arm();
    }
}

fn observe(frame: &mut PtRegs) {
    INTERRUPTED.fetch_add(u64::from(frame.is_user()), Relaxed);
}

fn run(checks: &mut Checks, start: &'static StartInfo) {
    let mut window = Window::take(start);
    for page in [0, 1] {
        let flags = Window::DATA | PageTableFlags::USER_ACCESSIBLE;
        window.map(page, window.own_frame(page), flags);
    }
    window.write(0, &PROGRAM);
    install(checks);
    check_eq!(checks, user::install(), Ok(()));
    let (Ok(timer), Ok(own)) = (virq(VIRQ_TIMER, on_timer), ipi(|_| {})) else {
        return checks.fail(format_args!("no ports"));
    };
    events::set_observer(Some(observe));
    irq::irq_enable();
    arm();
    let (wrong, sent) = enter_often(&window, own);
    STOPPED.store(true, Relaxed);
    let all_came = || events::count(timer) == ARMED.load(Relaxed);
    check!(checks, spin_until(Duration::from_millis(10), all_came), "the last one-shot");
    irq::irq_disable();
    let (armed, interrupted) = (ARMED.load(Relaxed), INTERRUPTED.load(Relaxed));
    println!("{armed} one-shots, {sent} sent, {interrupted} upcalls in the process");
    check_eq!(checks, wrong, 0, "entries that ended otherwise, or with other registers");
    check_eq!(checks, window.u64(COUNTER), ENTRIES * TURNS, "turns counted in memory");
    check_eq!(checks, events::count(timer), armed, "one-shots served and armed");
    check_eq!(checks, events::count(own), sent, "events served and sent");
    check!(checks, interrupted > ENTRIES / SENDS, "{interrupted} upcalls in the process");
    check!(checks, armed > 1000, "{armed} one-shots");
    check_nothing_left(checks);
}

/// Returns how many entries went wrong, and how many events were sent.
fn enter_often(window: &Window, own: Port) -> (u64, u64) {
    let (mut wrong, mut sent) = (0, 0);
    let code = window.address(0);
    for entry in 1..=ENTRIES {
        let mut frame = user::program(code, window.address(2 * 4096));
        (frame.rax, frame.rbx) = ((entry - 1) * TURNS, !0 - TURNS);
        (frame.rdi, frame.r12) = (window.address(COUNTER).as_u64(), TURNS);
        (frame.rdx, frame.r8, frame.r14, frame.r15) = (entry, !entry, entry << 32, entry << 16);
        let before = frame;
        if entry.is_multiple_of(SENDS) {
            // It comes on the way into the process.
            irq::irq_disable();
            sent += u64::from(send(own).is_ok());
        }
        let cause = user::run(&mut frame);
        irq::irq_disable();
        irq::irq_enable();
        let kept = |it: &Frame| [it.rdx, it.rdi, it.r8, it.r14, it.r15, it.rsp, it.rbp];
        let is_right = cause == Cause::SystemCall
            && frame.rip == code.as_u64() + PROGRAM.len() as u64
            && (frame.rax, frame.rbx, frame.r12) == (entry * TURNS, !0, 0)
            && kept(&frame) == kept(&before)
            && events::count(own) == sent;
        wrong += u64::from(!is_right);
    }
    (wrong, sent)
}
