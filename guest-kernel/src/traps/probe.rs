//! Loads and stores that may fault.

use core::arch::asm;

use x86_64::VirtAddr;

use crate::{entry::Vector, pvops};

/// The exception that an access met.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Fault {
    /// Its vector.
    pub vector: Vector,
    /// Its error code, or zero.
    pub error_code: u64,
    /// The address in CR2 of the last page fault: of this one, if this is one.
    pub cr2: u64,
}

impl Fault {
    /// Returns the fault that a fixup reports: the vector in RAX is not [`NONE`].
    fn from_fixup(rax: u64, rdx: u64) -> Result<(), Self> {
        if rax == NONE {
            return Ok(());
        }
        let vector = Vector(rax.to_le_bytes()[0]);
        let cr2 = pvops::read_cr2();
        Err(Self { vector, error_code: rdx, cr2 })
    }
}

/// What RAX holds where no exception came: no vector.
const NONE: u64 = u64::MAX;

/// Numbers that one instruction loads or stores.
pub trait Probe: Copy + Default {
    /// Loads from any address.
    ///
    /// # Errors
    ///
    /// The exception, if there was one.
    fn read(address: VirtAddr) -> Result<Self, Fault>;

    /// Stores to any address.
    ///
    /// # Errors
    ///
    /// The exception, if there was one.
    ///
    /// # Safety
    ///
    /// Nobody else may rely on what is stored over.
    unsafe fn write(address: VirtAddr, value: Self) -> Result<(), Fault>;
}

/// One instruction with an entry in the exception table; its fixup is what follows it.
macro_rules! may_fault {
    ($instruction:literal) => {
        concat!(
            "2: ",
            $instruction,
            "\n",
            "3:\n",
            ".pushsection .exception_table, \"a\"\n",
            ".balign 8\n",
            ".quad 2b, 3b\n",
            ".popsection\n",
        )
    };
}

macro_rules! probe {
    ($type:ty, $class:ident, $load:literal, $store:literal) => {
        impl Probe for $type {
            fn read(address: VirtAddr) -> Result<Self, Fault> {
                let mut value = Self::default();
                let (rax, rdx): (u64, u64);
                // SAFETY: a load changes nothing; its fault continues behind it.
                unsafe {
                    asm!(may_fault!($load), value = inout($class) value,
                        address = in(reg) address.as_u64(), inout("rax") NONE => rax,
                        inout("rdx") 0_u64 => rdx, options(nostack, readonly, preserves_flags));
                }
                Fault::from_fixup(rax, rdx).map(|()| value)
            }

            unsafe fn write(address: VirtAddr, value: Self) -> Result<(), Fault> {
                let (rax, rdx): (u64, u64);
                // SAFETY: nobody relies on what is stored over, by the caller's promise; a fault
                // continues behind the store.
                unsafe {
                    asm!(may_fault!($store), value = in($class) value,
                        address = in(reg) address.as_u64(), inout("rax") NONE => rax,
                        inout("rdx") 0_u64 => rdx, options(nostack, preserves_flags));
                }
                Fault::from_fixup(rax, rdx)
            }
        }
    };
}

probe!(u8, reg_byte, "mov {value}, [{address}]", "mov [{address}], {value}");
probe!(u16, reg, "mov {value:x}, [{address}]", "mov [{address}], {value:x}");
probe!(u32, reg, "mov {value:e}, [{address}]", "mov [{address}], {value:e}");
probe!(u64, reg, "mov {value:r}, [{address}]", "mov [{address}], {value:r}");

/// Loads from any address, mapped or not.
///
/// # Errors
///
/// The exception, if there was one. Exceptions must be installed ([`super::install`]).
pub fn probe_read<T: Probe>(address: VirtAddr) -> Result<T, Fault> {
    T::read(address)
}

/// Stores to any address, mapped or not.
///
/// # Errors
///
/// As [`probe_read`].
///
/// # Safety
///
/// Nobody else may rely on what is stored over.
pub unsafe fn probe_write<T: Probe>(address: VirtAddr, value: T) -> Result<(), Fault> {
    // SAFETY: promised by the caller.
    unsafe { T::write(address, value) }
}
