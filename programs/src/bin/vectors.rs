//! Keeps a pattern of its own in every register while others run, and looks whether it stays.
//!
//! The arguments are a number, which makes the pattern, and a blank and the number of rounds.
#![no_std]
#![no_main]

use core::arch::asm;

use xenolith_programs::{
    calls::{getpid, set_fs_base, yield_now},
    println, program,
};

program!(main);

/// Room for sixteen registers of 32 bytes.
#[repr(C, align(32))]
struct Registers([u64; 64]);

fn main(arguments: &'static [u8]) -> u8 {
    let mut numbers = arguments.split(|&byte| byte == b' ').map(number);
    let (seed, rounds) = (numbers.next().unwrap_or(1), numbers.next().unwrap_or(10));
    let pattern = Registers(core::array::from_fn(|at| seed << 32 | at as u64));
    let mut found = Registers([0; 64]);
    let avx = has_avx();
    let selector = load_selectors(seed);
    let base = [seed, !seed];
    // SAFETY: nothing in this program uses FS.
    let set = unsafe { set_fs_base(base.as_ptr().addr() as u64) };
    for round in 0..rounds {
        let fs = hold(avx, &pattern, &mut found, round);
        let width = if avx { 4 } else { 2 };
        let differs = |at: &usize| at % 4 < width && found.0[*at] != pattern.0[*at];
        if let Some(at) = (0..64).find(differs) {
            println!("vectors {seed}: word {at} is {:#x} in round {round}", found.0[at]);
            return 1;
        }
        if fs != seed || set.is_err() {
            println!("vectors {seed}: fs leads to {fs:#x} in round {round}");
            return 1;
        }
        if selectors() != [selector; 4] {
            println!("vectors {seed}: selectors {:x?} in round {round}", selectors());
            return 1;
        }
    }
    println!("vectors {seed}: {rounds} rounds, {}", if avx { "AVX" } else { "SSE" });
    0
}

fn number(text: &[u8]) -> u64 {
    text.iter().fold(0, |all, digit| all * 10 + u64::from(digit - b'0'))
}

/// Loads DS, ES, FS and GS with one that depends on the seed: the flat data segment or null.
fn load_selectors(seed: u64) -> u16 {
    const FLAT_DATA: u16 = 0xe02b;
    let selector = if seed.is_multiple_of(2) { 0 } else { FLAT_DATA };
    // SAFETY: nothing in this program depends on them.
    unsafe {
        asm!("mov ds, {0:e}", "mov es, {0:e}", "mov fs, {0:e}", "mov gs, {0:e}",
            in(reg) u32::from(selector));
    }
    selector
}

/// Returns DS, ES, FS and GS.
fn selectors() -> [u16; 4] {
    let [ds, es, fs, gs]: [u16; 4];
    // SAFETY: it only looks.
    unsafe {
        asm!("mov {0:x}, ds", "mov {1:x}, es", "mov {2:x}, fs", "mov {3:x}, gs",
            out(reg) ds, out(reg) es, out(reg) fs, out(reg) gs);
    }
    [ds, es, fs, gs]
}

/// Whether the processor has AVX and the kernel has turned it on.
fn has_avx() -> bool {
    let features = core::arch::x86_64::__cpuid(1).ecx;
    features & (1 << 28) != 0 && features & (1 << 27) != 0
}

/// Loads all vector registers and the x87 stack, lets others run, stores them; returns what FS leads
/// to. In rounds that are odd the process is taken off the processor instead of giving it up.
fn hold(avx: bool, pattern: &Registers, found: &mut Registers, round: u64) -> u64 {
    let fs: u64;
    load(avx, pattern);
    if round.is_multiple_of(2) {
        let _ = yield_now();
    } else {
        for _ in 0..200_000 {
            core::hint::spin_loop();
        }
    }
    let _ = getpid();
    store(avx, found);
    // SAFETY: the base was set to a place that is still there.
    unsafe { asm!("mov {}, fs:[0]", out(reg) fs) }
    fs
}

/// Executes an instruction for each of the sixteen registers, `\\n`, with an address in `{at}`.
macro_rules! each {
    ($instruction:literal, $at:expr) => {
        // SAFETY: the program is compiled without these registers; there is room for all of them.
        unsafe {
            asm!(
                ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15",
                $instruction,
                ".endr",
                at = in(reg) $at,
            );
        }
    };
}

fn load(avx: bool, pattern: &Registers) {
    let at = pattern.0.as_ptr();
    if avx {
        each!("vmovdqa ymm\\n, [{at} + 32 * \\n]", at);
    } else {
        each!("movdqa xmm\\n, [{at} + 32 * \\n]", at);
    }
}

fn store(avx: bool, found: &mut Registers) {
    let at = found.0.as_mut_ptr();
    if avx {
        each!("vmovdqa [{at} + 32 * \\n], ymm\\n", at);
    } else {
        each!("movdqa [{at} + 32 * \\n], xmm\\n", at);
    }
}
