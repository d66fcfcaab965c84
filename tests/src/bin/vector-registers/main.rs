//! XMM, YMM and x87 state across every kind of exit.
//!
//! The hypervisor's own code could use vector registers (a copy loop is enough), and a guest's
//! wider state is only saved if somebody thinks of it.
//! Expected: every register as it was. Without AVX in the CPU the YMM part is left out.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use scenarios::exits;
use xenolith_guest::{
    StartInfo, check_eq, println,
    probe::vector::{self, VectorRegisters},
    scenario::Checks,
};

xenolith_guest::scenario!(run);

/// Rounding up, all exceptions masked: not what the unit starts with.
const MXCSR: u32 = 0x5f80;
/// Double precision, rounding down, all exceptions masked.
const X87_CONTROL: u16 = 0x067f;
/// Pi: every byte differs.
const X87_VALUE: [u8; 10] = [0x35, 0xc2, 0x68, 0x21, 0xa2, 0xda, 0x0f, 0xc9, 0x00, 0x40];

fn run(checks: &mut Checks, _: &'static StartInfo) {
    let avx = vector::enable_avx();
    println!("AVX: {avx}");
    for seed in 0..50 {
        for (name, exit) in exits::ALL {
            check_xmm(checks, name, *exit, seed);
            if avx {
                check_ymm(checks, name, *exit, seed);
            }
        }
    }
}

fn check_xmm(checks: &mut Checks, name: &str, exit: fn(), seed: u64) {
    let registers = VectorRegisters::pattern(seed);
    vector::load_x87(X87_VALUE, X87_CONTROL);
    vector::load_mxcsr(MXCSR);
    vector::load_xmm(&registers);
    exit();
    let found = vector::store_xmm();
    let (x87, mxcsr) = (vector::store_x87(), vector::store_mxcsr());
    check_eq!(checks, found, registers.low_halves(), "XMM registers after {name}");
    check_eq!(checks, mxcsr, MXCSR, "MXCSR after {name}");
    check_eq!(checks, x87, (X87_VALUE, X87_CONTROL), "x87 state after {name}");
}

fn check_ymm(checks: &mut Checks, name: &str, exit: fn(), seed: u64) {
    let registers = VectorRegisters::pattern(!seed);
    vector::load_ymm(&registers);
    exit();
    check_eq!(checks, vector::store_ymm(), registers, "YMM registers after {name}");
}
