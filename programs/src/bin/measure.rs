//! Measures what processes ask of the kernel, in ticks of the time-stamp counter.
//!
//! The arguments are the operation, the number of rounds, and how many VM exits each of them has,
//! which only the kernel knows; without the last nothing is printed. Each round is timed on its own,
//! less the cost of timing nothing.
#![no_std]
#![no_main]

use core::arch::{asm, x86_64::_rdtsc};

use xenolith_programs::{
    calls::{map, spawn, unmap, wait, yield_now},
    numbers::{GETPID, MAP_WRITE},
    println, program,
};

program!(main);

const PAGE: u64 = 4096;

/// What is measured: what comes before it, given the round, and itself, given what that returned.
type Operation = (&'static str, &'static str, fn(u64) -> u64, fn(u64));

const OPERATIONS: &[Operation] = &[
    ("getpid", "process: getpid", |_| 0, |_| system_call(GETPID)),
    ("bad-number", "process: call without a number (-ENOSYS)", |_| 0, |_| system_call(999)),
    ("yield", "process: yield, nobody else ready", |_| 0, |_| _ = yield_now()),
    ("read-fault", "process: #PF, page of zeros shared", fresh, |at| {
        // SAFETY: the page was mapped for it.
        unsafe { asm!("mov {at}, [{at}]", at = inout(reg) at => _) }
    }),
    ("write-fault", "process: #PF, page of zeros made", fresh, |at| {
        // SAFETY: the page was mapped for it.
        unsafe { asm!("mov [{at}], {at}", at = in(reg) at) }
    }),
    ("copy-fault", "process: #PF, page copied on write", read, |at| {
        // SAFETY: the page was mapped for it.
        unsafe { asm!("mov [{at}], {at}", at = in(reg) at) }
    }),
    (
        "map",
        "process: map + unmap of a page",
        |_| 0,
        |_| {
            let address = map(PAGE, MAP_WRITE).unwrap_or_default();
            // SAFETY: nothing uses it.
            let _ = unsafe { unmap(address, PAGE) };
        },
    ),
    (
        "spawn",
        "process: spawn + wait",
        |_| 0,
        |_| {
            _ = spawn(b"misbehave", b"status 0").and_then(wait);
        },
    ),
];

/// The shortest form of a call without arguments.
fn system_call(number: u64) {
    // SAFETY: the calls with which this is made touch no memory.
    unsafe { asm!("syscall", inout("rax") number => _, out("rcx") _, out("r11") _) }
}

/// Returns a page that has never been touched, in a table that has.
fn fresh(round: u64) -> u64 {
    const PAGES: u64 = 512;
    static START: core::sync::atomic::AtomicU64 = core::sync::atomic::AtomicU64::new(0);
    use core::sync::atomic::Ordering::Relaxed;
    if round.is_multiple_of(PAGES - 1) {
        let old = START.swap(0, Relaxed);
        // SAFETY: its pages have had their rounds.
        let _ = unsafe { unmap(old, PAGES * PAGE) };
        let new = map(PAGES * PAGE, MAP_WRITE).unwrap_or_default();
        START.store(new, Relaxed);
        touch(new);
    }
    START.load(Relaxed) + (round % (PAGES - 1) + 1) * PAGE
}

/// Returns a page that has been read only.
fn read(round: u64) -> u64 {
    let at = fresh(round);
    touch(at);
    at
}

fn touch(at: u64) {
    // SAFETY: the page was mapped.
    unsafe { asm!("mov {at}, [{at}]", at = inout(reg) at => _) }
}

fn main(arguments: &'static [u8]) -> u8 {
    let mut words = arguments.split(|&byte| byte == b' ');
    let name = words.next().unwrap_or_default();
    let number = |text: &[u8]| text.iter().fold(0, |all, digit| all * 10 + u64::from(digit - b'0'));
    let rounds = words.next().map_or(0, number);
    let Some(&(_, title, prepare, run)) = OPERATIONS.iter().find(|it| it.0.as_bytes() == name)
    else {
        return 1;
    };
    let ticks = measure(rounds, prepare, run).saturating_sub(measure(rounds, |_| 0, |_| ()));
    if let Some(exits) = words.next() {
        let tenths = ticks * 10 / rounds.max(1);
        let exits = exits.escape_ascii();
        println!("bench: {title} | {}.{} | {exits}", tenths / 10, tenths % 10);
    }
    0
}

#[inline(never)]
fn measure(rounds: u64, prepare: fn(u64) -> u64, run: fn(u64)) -> u64 {
    let run = core::hint::black_box(run);
    let mut sum = 0;
    for round in 0..=rounds {
        let what = prepare(round);
        // SAFETY: every processor that this kernel runs on has it.
        let before = unsafe { _rdtsc() };
        run(what);
        // SAFETY: likewise.
        let after = unsafe { _rdtsc() };
        // The first round is not like the others.
        if round > 0 {
            sum += after - before;
        }
    }
    sum
}
