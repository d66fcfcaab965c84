//! XSETBV: which state components a guest may switch on (SDM 1, "Enabling the XSAVE Feature Set").

use super::Exception;
use crate::guest_access::Privilege;

const X87: u64 = 1 << 0;
const SSE: u64 = 1 << 1;
const AVX: u64 = 1 << 2;
const AVX512: u64 = 7 << 5;

/// State components that guests may use, as far as the CPU has them.
pub const ALLOWED: u64 = X87 | SSE | AVX | AVX512;

/// Checks a write of `value` to extended control register `index` on a CPU with the state
/// components `supported`. CPUs look at the privilege before they exit; Bochs does not.
///
/// # Errors
///
/// #GP(0) where the CPU would raise it, and for components that are hidden.
pub const fn check(
    privilege: Privilege,
    index: u32,
    value: u64,
    supported: u64,
) -> Result<u64, Exception> {
    let is_kernel = matches!(privilege, Privilege::Kernel);
    let known = value & !(supported & ALLOWED) == 0;
    let legacy = value & X87 != 0;
    let avx = value & AVX == 0 || value & SSE != 0;
    let wide = value & AVX512;
    let avx512 = wide == 0 || (wide == AVX512 && value & AVX != 0);
    if is_kernel && index == 0 && known && legacy && avx && avx512 {
        Ok(value)
    } else {
        Err(Exception::GENERAL_PROTECTION)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn combinations() {
        for (index, value, supported, ok) in [
            (0, 1, 7, true),
            (0, 3, 7, true),
            (0, 7, 7, true),
            (0, 7, 3, false),
            (0, 5, 7, false),
            (0, 0, 7, false),
            (0, 6, 7, false),
            (1, 1, 7, false),
            (0, 0xe7, 0xff, true),
            (0, 0x27, 0xff, false),
            (0, 0xe3, 0xff, false),
            (0, 0x1f, 0xff, false),
            (0, 0x207, 0x2ff, false),
            (0, 1 << 63 | 7, u64::MAX, false),
        ] {
            let of = |privilege| check(privilege, index, value, supported).is_ok();
            assert_eq!(of(Privilege::Kernel), ok, "{index} {value:#x}");
            assert!(!of(Privilege::User), "{index} {value:#x} of a process");
        }
    }
}
