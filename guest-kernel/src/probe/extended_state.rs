//! XSAVE and its kin, on an area of the scenario's.

use core::arch::asm;

/// Bytes of an area here: for x87, SSE and AVX there are some more than needed.
pub const AREA_BYTES: usize = 1024;

/// An area, as words.
#[derive(Clone, Debug, Eq, PartialEq)]
#[repr(C, align(64))]
pub struct Area(pub [u64; AREA_BYTES / 8]);

impl Area {
    /// Returns an area of zeros.
    pub const fn new() -> Self {
        Self([0; AREA_BYTES / 8])
    }

    /// Returns the components that it holds, and what the header says of its format.
    pub const fn header(&self) -> (u64, u64) {
        (self.0[64], self.0[65])
    }

    /// Returns the upper half of a YMM register where both formats have the first 16.
    pub const fn upper_half(&self, register: usize) -> [u64; 2] {
        [self.0[72 + 2 * register], self.0[73 + 2 * register]]
    }
}

impl Default for Area {
    fn default() -> Self {
        Self::new()
    }
}

macro_rules! save {
    ($(#[$doc:meta])* $name:ident, $instruction:literal) => {
        $(#[$doc])*
        pub fn $name(area: &mut Area, components: u32) {
            // SAFETY: see the module `probe`; the area is aligned and holds x87, SSE and AVX, of
            // which only what XCR0 has is written.
            unsafe {
                asm!(concat!($instruction, " [{}]"), in(reg) area, in("eax") components & 7,
                    in("edx") 0, options(nostack));
            }
        }
    };
}

save! {
    /// Saves components among x87, SSE and AVX in the standard format.
    save, "xsave64"
}
save! {
    /// Likewise, but for those in their initial state, or that are as they were restored.
    save_optimized, "xsaveopt64"
}
save! {
    /// Saves them in the compacted format.
    save_compacted, "xsavec64"
}

/// Restores components among x87, SSE and AVX, in either format.
pub fn restore(area: &Area, components: u32) {
    // SAFETY: as for saving; compiled code uses none of these registers.
    unsafe {
        asm!("xrstor64 [{}]", in(reg) area, in("eax") components & 7, in("edx") 0,
            options(nostack, readonly));
    }
}
