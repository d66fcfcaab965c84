//! Addresses and frame numbers, one type for each space.
//!
//! A number that came from a guest stays one of these types until something has checked it.
//! Arithmetic is checked or wrapping by name, never silent.

use core::fmt;

/// Bytes in a page, in every space.
pub const PAGE_SIZE: u64 = 4096;
/// Bits of an address that select a byte within its page.
pub const PAGE_SHIFT: u32 = 12;

const _: () = assert!(usize::BITS == 64, "the hypervisor and its tests run on 64-bit machines");

/// Returns `number` as an index or a length of the host.
#[expect(clippy::cast_possible_truncation, reason = "usize has 64 bits, as asserted above")]
pub const fn to_usize(number: u64) -> usize {
    number as usize
}

/// Returns an index or a length of the host as a number.
pub const fn to_u64(number: usize) -> u64 {
    number as u64
}

macro_rules! address {
    ($(#[$doc:meta])* $name:ident, $tag:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, Eq, PartialEq, Ord, PartialOrd, Hash)]
        #[repr(transparent)]
        pub struct $name(pub u64);

        impl $name {
            /// Returns the address rounded down to its page.
            pub const fn page_base(self) -> Self {
                Self(self.0 & !(PAGE_SIZE - 1))
            }

            /// Returns the number of bytes by which the address lies within its page.
            pub const fn page_offset(self) -> u64 {
                self.0 & (PAGE_SIZE - 1)
            }

            /// Returns whether the address is a multiple of `alignment`, a power of two.
            pub const fn is_aligned(self, alignment: u64) -> bool {
                self.0 & (alignment - 1) == 0
            }

            /// Returns the address `bytes` further on, or `None` past the end of the space.
            pub const fn checked_add(self, bytes: u64) -> Option<Self> {
                match self.0.checked_add(bytes) {
                    Some(sum) => Some(Self(sum)),
                    None => None,
                }
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($tag, ":{:#x}"), self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:#x}", self.0)
            }
        }
    };
}

address! {
    /// A host-physical address.
    Hpa, "hpa"
}
address! {
    /// A guest-physical address: what a guest calls a machine address.
    Gpa, "gpa"
}
address! {
    /// A virtual address in a guest's address space.
    Gva, "gva"
}

/// A guest-physical frame number: what a guest calls a machine frame number.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Ord, PartialOrd, Hash)]
#[repr(transparent)]
pub struct Gfn(pub u64);

impl Gfn {
    /// Returns the frame's first byte, or `None` if no address reaches it.
    pub const fn gpa(self) -> Option<Gpa> {
        match self.0.checked_mul(PAGE_SIZE) {
            Some(address) => Some(Gpa(address)),
            None => None,
        }
    }
}

impl Gpa {
    /// Returns the frame that holds the address.
    pub const fn gfn(self) -> Gfn {
        Gfn(self.0 >> PAGE_SHIFT)
    }
}

impl Gva {
    /// Returns whether bits 63:47 are equal, as four-level paging requires.
    pub const fn is_canonical(self) -> bool {
        let upper = self.0 >> 47;
        upper == 0 || upper == 0x1_ffff
    }
}

/// The number of a domain.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
#[repr(transparent)]
pub struct DomId(pub u16);

/// The number of a vCPU within its domain.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
#[repr(transparent)]
pub struct VcpuId(pub u32);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_arithmetic() {
        assert_eq!(Gva(0x1fff).page_base(), Gva(0x1000));
        assert_eq!(Gva(0x1fff).page_offset(), 0xfff);
        assert_eq!(Gpa(u64::MAX).checked_add(1), None);
        assert_eq!(Gfn(1 << 52).gpa(), None);
        assert_eq!(Gfn(5).gpa().map(Gpa::gfn), Some(Gfn(5)));
    }

    #[test]
    fn canonical_addresses() {
        for (address, canonical) in [
            (0, true),
            (0x7fff_ffff_ffff, true),
            (0x8000_0000_0000, false),
            (0xffff_7fff_ffff_ffff, false),
            (0xffff_8000_0000_0000, true),
        ] {
            assert_eq!(Gva(address).is_canonical(), canonical, "{address:#x}");
        }
    }
}
