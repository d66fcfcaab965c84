//! XMM, YMM and x87 state, which compiled kernel code never touches.

use core::arch::asm;

use super::control;
use crate::cpuid;

/// The 16 YMM registers; the low half of each is the XMM register.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[repr(C, align(32))]
pub struct VectorRegisters(pub [[u64; 4]; 16]);

impl VectorRegisters {
    /// Returns registers that all differ in every word.
    pub fn pattern(seed: u64) -> Self {
        let mut value = seed;
        let mut next = || {
            value = value.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            value
        };
        Self(core::array::from_fn(|_| core::array::from_fn(|_| next())))
    }

    /// Returns the same registers with the halves that XMM instructions do not see cleared.
    pub fn low_halves(self) -> Self {
        Self(self.0.map(|[a, b, _, _]| [a, b, 0, 0]))
    }
}

/// Bits of XCR0: x87, SSE and AVX state.
const XCR0_AVX: u64 = 0b111;

/// Returns whether YMM registers can be used, after enabling them if need be.
pub fn enable_avx() -> bool {
    const OSXSAVE_AND_AVX: u32 = (1 << 27) | (1 << 28);
    if cpuid::read(1, 0).ecx & OSXSAVE_AND_AVX != OSXSAVE_AND_AVX {
        return false;
    }
    if control::xcr0() & XCR0_AVX != XCR0_AVX {
        control::write_xcr0(control::xcr0() | XCR0_AVX);
    }
    true
}

macro_rules! for_each_register {
    ($move:literal, $register:literal, $order:ident) => {
        for_each_register!(@list $move, $register, $order,
            "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15")
    };
    (@list $move:literal, $register:literal, load, $($n:literal),*) => {
        concat!($($move, " ", $register, $n, ", [{p} + 32*", $n, "]\n"),*)
    };
    (@list $move:literal, $register:literal, store, $($n:literal),*) => {
        concat!($($move, " [{p} + 32*", $n, "], ", $register, $n, "\n"),*)
    };
}

/// Loads the XMM registers from the low halves.
pub fn load_xmm(registers: &VectorRegisters) {
    // SAFETY: compiled code uses no vector registers; the block only reads what it is given.
    unsafe {
        asm!(for_each_register!("movups", "xmm", load), p = in(reg) registers,
            options(nostack, readonly));
    }
}

/// Stores the XMM registers to the low halves and leaves the high ones zero.
pub fn store_xmm() -> VectorRegisters {
    let mut registers = VectorRegisters::default();
    // SAFETY: the block writes only to the registers' own memory.
    unsafe {
        asm!(for_each_register!("movups", "xmm", store), p = in(reg) &raw mut registers,
            options(nostack));
    }
    registers
}

/// Loads the YMM registers; AVX must be enabled.
pub fn load_ymm(registers: &VectorRegisters) {
    // SAFETY: as for `load_xmm`.
    unsafe {
        asm!(for_each_register!("vmovups", "ymm", load), p = in(reg) registers,
            options(nostack, readonly));
    }
}

/// Stores the YMM registers; AVX must be enabled.
pub fn store_ymm() -> VectorRegisters {
    let mut registers = VectorRegisters::default();
    // SAFETY: as for `store_xmm`.
    unsafe {
        asm!(for_each_register!("vmovups", "ymm", store), p = in(reg) &raw mut registers,
            options(nostack));
    }
    registers
}

/// Loads the control and status register of SSE.
pub fn load_mxcsr(value: u32) {
    // SAFETY: compiled code uses no SSE arithmetic; the block only reads the value.
    unsafe {
        asm!("ldmxcsr [{}]", in(reg) &raw const value, options(nostack, readonly));
    }
}

/// Stores the control and status register of SSE.
pub fn store_mxcsr() -> u32 {
    let mut value = 0_u32;
    // SAFETY: the block writes only to the value.
    unsafe {
        asm!("stmxcsr [{}]", in(reg) &raw mut value, options(nostack));
    }
    value
}

/// Initialises the x87 unit with a control word, and pushes a value in its 80-bit form.
pub fn load_x87(value: [u8; 10], control: u16) {
    // SAFETY: compiled code uses no x87 instructions; the block only reads the two values.
    unsafe {
        asm!("fninit", "fldcw [{}]", "fld tbyte ptr [{}]", in(reg) &raw const control,
            in(reg) &raw const value, options(nostack, readonly));
    }
}

/// Pops the top of the x87 stack; returns it in its 80-bit form, and the control word.
pub fn store_x87() -> ([u8; 10], u16) {
    let mut top = [0_u8; 10];
    let mut control = 0_u16;
    // SAFETY: the block writes only to the two values.
    unsafe {
        asm!("fnstcw [{c}]", "fstp tbyte ptr [{t}]", c = in(reg) &raw mut control,
            t = in(reg) &raw mut top, options(nostack));
    }
    (top, control)
}
