//! What the loader tells, copied out of its memory, which is free for other use then.

mod multiboot;
mod pvh;

use core::{ffi::CStr, fmt, ptr};

use arrayvec::ArrayString;
use x86_64::PhysAddr;
use xenolith_core::memory_map::{MemoryMap, Range, TooManyRegions};

use super::REACHABLE;
use crate::abi::{hvm_start_info, start_info::MAX_GUEST_CMDLINE};

/// What is known at the start.
#[derive(Debug)]
pub(super) struct Boot {
    /// Name of the loader's protocol.
    pub(super) protocol: &'static str,
    /// The command line.
    pub(super) command_line: ArrayString<{ MAX_GUEST_CMDLINE - 1 }>,
    /// The machine's memory.
    pub(super) memory: MemoryMap,
    /// The first module.
    pub(super) module: Option<Range>,
    /// Where ACPI's tables start.
    pub(super) acpi: AcpiRoot,
}

/// Where ACPI's tables start.
#[derive(Clone, Copy, Debug)]
pub(super) enum AcpiRoot {
    /// The loader gave the address of the root pointer.
    RootPointer(u64),
    /// The loader gave a copy of the root pointer, which names this RSDT or XSDT.
    RootTable {
        /// 0 for an RSDT, 2 or more for an XSDT.
        revision: u8,
        /// Address of the table.
        address: u64,
    },
    /// The loader said nothing: search where a BIOS puts it.
    Search,
}

/// Why what the loader tells is of no use.
#[derive(Clone, Copy, Debug)]
pub(super) enum LoaderError {
    /// The register that names the protocol holds something else.
    UnknownLoader(u32),
    /// A part of the information is not as the protocol says.
    Malformed(&'static str),
    /// The memory map has too many ranges.
    TooManyRegions,
}

impl fmt::Display for LoaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownLoader(magic) => write!(f, "loader of an unknown protocol ({magic:#x})"),
            Self::Malformed(what) => write!(f, "the loader's {what} is malformed or too long"),
            Self::TooManyRegions => f.write_str("the memory map has too many ranges"),
        }
    }
}

impl From<TooManyRegions> for LoaderError {
    fn from(TooManyRegions: TooManyRegions) -> Self {
        Self::TooManyRegions
    }
}

/// Copies what is needed out of the information at `info`.
///
/// # Errors
///
/// When it cannot be understood.
///
/// # Safety
///
/// Both must be what a loader has passed, and the memory below [`REACHABLE`] mapped at 0.
pub(super) unsafe fn read(magic: u32, info: PhysAddr) -> Result<Boot, LoaderError> {
    match magic {
        // SAFETY: promised by the caller.
        hvm_start_info::MAGIC => unsafe { pvh::read(info) },
        // SAFETY: likewise.
        multiboot2::MAGIC => unsafe { multiboot::read(info) },
        other => Err(LoaderError::UnknownLoader(other)),
    }
}

/// Returns where boot page tables map an address.
pub(super) fn pointer<T>(at: PhysAddr) -> *const T {
    let at = usize::try_from(at.as_u64()).unwrap_or(usize::MAX);
    ptr::with_exposed_provenance(at)
}

fn copy<const N: usize>(text: &str) -> Result<ArrayString<N>, LoaderError> {
    ArrayString::from(text).map_err(|_| LoaderError::Malformed("command line"))
}

/// Returns the text at an address; none at 0.
///
/// # Safety
///
/// `at` must be 0 or the address of a terminated string that nothing writes to meanwhile.
unsafe fn text(at: u64) -> Result<&'static str, LoaderError> {
    let malformed = LoaderError::Malformed("command line");
    if at == 0 {
        return Ok("");
    }
    if at >= REACHABLE.as_u64() {
        return Err(malformed);
    }
    // SAFETY: promised by the caller; the address is mapped.
    let text = unsafe { CStr::from_ptr(pointer(PhysAddr::new(at))) };
    text.to_str().map_err(|_| malformed)
}
