//! Long hypercalls under a fast timer: cut, and gone on with.
//!
//! An event must not wait for a call with thousands of requests; the kernel must find itself about
//! to make the call, with what is left in the registers; and nothing may be done twice or not at
//! all. Expected: upcalls whose rip is the SYSCALL, of the page's stub or inline; each call's
//! result, count and memory as if it had not been cut; with the bit against restarts `-EAGAIN` and
//! progress each time. So it is for every long call; for calls cut thousands of times; where memory
//! becomes unmapped between two pieces; and behind a kernel that has lied about what is left.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use scenarios::{events, long_calls::Worker};
use xenolith_guest::{
    StartInfo,
    abi::{
        domain::SELF,
        errno::EAGAIN,
        hypercall::{MMU_UPDATE, MULTICALL, XEN_VERSION},
        xenolith::NO_RESTART,
    },
    check, check_eq,
    entry::PtRegs,
    hypercall::page,
    println,
    probe::{Window, hypercall::by_page, hypercall::syscall, registers},
    scenario::Checks,
    time,
};

mod cuts;
mod jobs;
mod lies;
mod many;
mod unmapped;

use cuts::Cutting;

xenolith_guest::scenario!(run);

const PAGE: usize = 4096;
/// Pages of the window: one for counts and short lists, one that is written to, the long list.
const COUNTS: usize = 0;
const WRITTEN: usize = PAGE;
const LIST: usize = 2 * PAGE;
/// Requests of the long list, 16 bytes each: all that fit.
const REQUESTS: usize = (Window::BYTES - LIST) / 16;
const PREEMPTED: u64 = 1 << 31;
/// As the kernel has them elsewhere: Bochs holds interrupts back from a guest without IF.
const IF: u64 = 0x202;

/// The long list.
static LIST_AT: AtomicU64 = AtomicU64::new(0);
/// What interrupted calls had left when they were last interrupted.
static LEFT: AtomicU64 = AtomicU64::new(0);
/// Upcalls on the long list's SYSCALL, and those that told something wrong.
static CUTS: AtomicU32 = AtomicU32::new(0);
static WRONG: AtomicU32 = AtomicU32::new(0);
/// Where the last one was.
static LAST_RIP: AtomicU64 = AtomicU64::new(0);

fn run(checks: &mut Checks, start: &'static StartInfo) {
    events::install(checks);
    let mut window = Window::take(start);
    LIST_AT.store(window.address(LIST).as_u64(), Relaxed);
    cuts::install(checks, observe);
    fill(&mut window);
    for us in [1000, 300, 150] {
        let _cutting = Cutting::every_us(us);
        check_form(checks, &mut window, "inline", |arguments| {
            syscall(MMU_UPDATE.into(), arguments)
        });
        check_form(checks, &mut window, "by page", |arguments| by_page(MMU_UPDATE, arguments));
        let syscall_of_page = page::address().as_u64() + u64::from(MMU_UPDATE) * 32 + 8;
        check_eq!(checks, LAST_RIP.load(Relaxed), syscall_of_page, "rip in the stub");
        check_again(checks, &mut window);
        check_list(checks, &mut window);
    }
    many::check_updates(checks, &mut window);
    check_eq!(checks, WRONG.load(Relaxed), 0, "upcalls with wrong registers");
    LIST_AT.store(0, Relaxed);
    unmapped::check(checks, &mut window, start);
    many::check_memory(checks, &mut window, start.pages() - 8192);
    let mut worker = Worker::new(&window, start, 0, 1);
    jobs::check(checks, &mut worker);
    lies::check(checks, &mut worker);
}

/// Looks at an upcall: if it is on the SYSCALL of the long list, what is left must fit.
fn observe(frame: &mut PtRegs) {
    let list = LIST_AT.load(Relaxed);
    let end = list + 16 * REQUESTS as u64;
    // Other lists are others' to look at.
    let is_cut = list != 0 && frame.rax == MMU_UPDATE.into() && frame.rsi & PREEMPTED != 0;
    if !cuts::observe(frame) || !is_cut {
        return;
    }
    let left = frame.rsi & !PREEMPTED;
    let before = LEFT.swap(left, Relaxed);
    if frame.rdi + 16 * left != end || left > before || frame.r10 != SELF.into() {
        WRONG.fetch_add(1, Relaxed);
    }
    LAST_RIP.store(frame.rip, Relaxed);
    CUTS.fetch_add(1, Relaxed);
}

/// Writes the long list: each word of a page many times, the last time with its final value.
fn fill(window: &mut Window) {
    let frame = window.own_frame(WRITTEN / PAGE).as_u64();
    for request in 0..REQUESTS {
        let [address, value] = [frame + 8 * (request % 512) as u64, request as u64];
        window.write(LIST + 16 * request, &address.to_le_bytes());
        window.write(LIST + 16 * request + 8, &value.to_le_bytes());
    }
}

fn arguments(window: &mut Window) -> [u64; 5] {
    window.fill(COUNTS, 64, 0);
    window.fill(WRITTEN, PAGE, 0);
    LEFT.store(REQUESTS as u64, Relaxed);
    let [list, counts] = [LIST, COUNTS].map(|offset| window.address(offset).as_u64());
    [list, REQUESTS as u64, counts, SELF.into(), 0x5555]
}

/// Checks that all has been done, and everything in order.
fn check_done(checks: &mut Checks, window: &Window, form: &str) {
    check_eq!(checks, u64::from(window.u32(COUNTS)), REQUESTS as u64, "count, {form}");
    let last = |word: usize| (REQUESTS - 1 - (REQUESTS - 1 - word) % 512) as u64;
    let wrong = (0..512).find(|&word| window.u64(WRITTEN + 8 * word) != last(word));
    check_eq!(checks, wrong, None, "word, {form}");
}

fn check_form(
    checks: &mut Checks,
    window: &mut Window,
    form: &str,
    make: impl Fn([u64; 5]) -> i64,
) {
    let arguments = arguments(window);
    let before = (CUTS.load(Relaxed), time::now());
    check_eq!(checks, make(arguments), 0, "{form}");
    let cuts = CUTS.load(Relaxed) - before.0;
    let took = time::now() - before.1;
    println!("{form}: {cuts} cuts in {took:?}");
    check!(checks, cuts >= 2, "{cuts} cuts in {took:?}, {form}");
    check!(checks, took < Duration::from_secs(10), "{took:?}, {form}");
    check_done(checks, window, form);
}

/// The form that tells instead of being restarted.
fn check_again(checks: &mut Checks, window: &mut Window) {
    let [rdi, rsi, rdx, r10, r8] = arguments(window);
    let rax = (MMU_UPDATE | NO_RESTART).into();
    let mut call =
        registers::Registers { rax, rdi, rsi, rdx, r10, r8, rflags: IF, ..Default::default() };
    let cuts = CUTS.load(Relaxed);
    let mut times = 0;
    loop {
        let before = call;
        registers::syscall(&mut call);
        if call.rax.cast_signed() != -EAGAIN {
            break;
        }
        let progress = call.rdi > before.rdi && call.rdx == rdx && call.r8 == r8;
        check!(checks, progress, "from {:#x} to {:#x}", before.rdi, call.rdi);
        times += 1;
        call.rax = rax;
    }
    check_eq!(checks, call.rax, 0, "at the end");
    check!(checks, times >= 2, "{times} times -EAGAIN");
    check_eq!(checks, CUTS.load(Relaxed), cuts, "restarts");
    check_done(checks, window, "-EAGAIN");
}

/// A list of calls of which the third is long.
fn check_list(checks: &mut Checks, window: &mut Window) {
    const ENTRIES: usize = COUNTS + 512;
    let long = arguments(window);
    let version = [0; 5];
    let calls = [
        (XEN_VERSION, version),
        (XEN_VERSION, version),
        (MMU_UPDATE, long),
        (XEN_VERSION, version),
    ];
    for (index, (op, arguments)) in calls.into_iter().enumerate() {
        let words = [op.into(), 0xeeee].into_iter().chain(arguments).chain([0]);
        for (word, value) in words.enumerate() {
            window.write(ENTRIES + 64 * index + 8 * word, &value.to_le_bytes());
        }
    }
    let upcalls = xenolith_guest::events::upcalls();
    let list = window.address(ENTRIES).as_u64();
    check_eq!(checks, by_page(MULTICALL, [list, 4, 0, 0, 0]), 0, "the list");
    check!(checks, xenolith_guest::events::upcalls() > upcalls + 1, "upcalls in the list");
    for (index, result) in [0x4_0011, 0x4_0011, 0, 0x4_0011].into_iter().enumerate() {
        check_eq!(checks, window.u64(ENTRIES + 64 * index + 8), result, "entry {index}");
    }
    let left = window.u64(ENTRIES + 128 + 24);
    check!(checks, left & PREEMPTED != 0, "the third entry was cut: {left:#x}");
    check_done(checks, window, "in a list");
}
