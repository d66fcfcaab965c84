//! The XSAVE area in both formats, and whether CPUID shows the compacted one.
//!
//! Bochs 2.7 has an XSAVEC that puts the upper halves of YMM registers directly behind XMM15, over the
//! header, where XRSTOR does not look. A kernel that trusts CPUID would lose registers at each change
//! of tasks.
//! Expected: XSAVE and XSAVEOPT keep everything; XSAVEC shows if, and only if, it does too.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use xenolith_guest::{
    StartInfo, check, check_eq, println,
    probe::{
        cpuid,
        extended_state::{Area, restore, save, save_compacted, save_optimized},
        vector::{self, VectorRegisters},
    },
    scenario::Checks,
};

xenolith_guest::scenario!(run);

/// SSE and AVX, and all that is on here.
const VECTORS: u32 = 0b110;
const ALL: u32 = 0b111;
/// Bytes of an area of them in the compacted format.
const COMPACTED_BYTES: u32 = 576 + 256;
const COMPACTED: u64 = 1 << 63;
const AVX: u64 = 0b100;

fn run(checks: &mut Checks, _: &'static StartInfo) {
    if !vector::enable_avx() {
        return checks.skip("the CPU has no AVX");
    }
    check_kept(checks, "XSAVE", save);
    check_kept(checks, "XSAVEOPT", save_optimized);
    check_initial(checks);
    let leaf = cpuid::read(0xd, 1);
    let (is_shown, works) = (leaf.eax & 2 != 0, compacts());
    println!("XSAVEC is shown: {is_shown}; it works: {works}");
    check_eq!(checks, is_shown, works, "XSAVEC is shown if it works");
    check_eq!(checks, leaf.ebx, if is_shown { COMPACTED_BYTES } else { 0 }, "bytes, compacted");
    if is_shown {
        check_kept(checks, "XSAVEC", save_compacted);
    }
}

/// What `keep` saves comes back, and whatever was there between is gone.
fn check_kept(checks: &mut Checks, name: &str, keep: fn(&mut Area, u32)) {
    for seed in 0..20 {
        let registers = VectorRegisters::pattern(seed);
        vector::load_ymm(&registers);
        let mut area = Area::new();
        keep(&mut area, ALL);
        vector::load_ymm(&VectorRegisters::pattern(!seed));
        restore(&area, VECTORS);
        check_eq!(checks, vector::store_ymm(), registers, "{name}, seed {seed}");
    }
}

/// What is in its initial state is not in the area, and is so again after it.
fn check_initial(checks: &mut Checks) {
    let low = VectorRegisters::pattern(7).low_halves();
    vector::load_ymm(&low);
    let mut area = Area::new();
    save(&mut area, VECTORS);
    check_eq!(checks, area.header().1, 0, "the standard format");
    check_eq!(checks, area.header().0 & !u64::from(VECTORS), 0, "components asked for");
    vector::load_ymm(&VectorRegisters::pattern(8));
    restore(&area, VECTORS);
    check_eq!(checks, vector::store_ymm(), low, "upper halves are zeros again");
    check!(checks, (0..16).all(|it| area.upper_half(it) == [0; 2]), "and so in the area");
}

/// Whether XSAVEC writes header and registers where they belong.
fn compacts() -> bool {
    let registers = VectorRegisters::pattern(9);
    vector::load_ymm(&registers);
    let mut area = Area::new();
    save_compacted(&mut area, ALL);
    let (xstate, format) = area.header();
    let upper = |(register, value): (usize, &[u64; 4])| area.upper_half(register) == value[2..];
    xstate & AVX != 0
        && format == COMPACTED | u64::from(ALL)
        && area.0[66..72].iter().all(|word| *word == 0)
        && registers.0.iter().enumerate().all(upper)
}
