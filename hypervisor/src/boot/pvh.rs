//! What a loader of the PVH protocol such as `qemu -kernel` tells.
//!
//! What stands behind ` -- ` in the hypervisor's command line is for the first module; the others may
//! have command lines of their own.

use super::{AcpiRoot, BootError, BootInfo, COMMAND_LINE_BYTES, Module};
use crate::memory::direct;
use arrayvec::{ArrayString, ArrayVec};
use core::ffi::CStr;
/// First word of the structure, which `entry.S` also passes as the loader's magic.
pub(super) use xenolith_abi::hvm_start_info::MAGIC;
use xenolith_abi::hvm_start_info::{MemoryRange, Module as ModuleEntry, StartInfo};
use xenolith_core::address::{Hpa, to_usize};
use xenolith_core::memory_map::{MemoryMap, Range, Region, RegionKind};

/// What separates the hypervisor's options from the domain's command line.
const SEPARATOR: &str = "--";

/// Copies what is needed out of the structure at `info`.
///
/// # Errors
///
/// When it is malformed or has no memory map.
///
/// # Safety
///
/// `info` must be what the loader passed, and mapped.
pub(super) unsafe fn read(info: Hpa) -> Result<BootInfo, BootError> {
    // SAFETY: the caller guarantees that the loader put the structure there.
    let start = unsafe { load::<StartInfo>(info, 0) };
    if start.magic != MAGIC || start.version == 0 {
        return Err(BootError::LoaderInformation("start information"));
    }
    let mut memory = MemoryMap::default();
    for index in 0..start.memmap_entries {
        // SAFETY: version 1 of the structure has a memory map of that many entries.
        let entry = unsafe { load::<MemoryRange>(Hpa(start.memmap_paddr), index) };
        let range = Range::sized(Hpa(entry.addr), entry.size);
        memory.add(Region { range, kind: RegionKind::from_e820(entry.type_) })?;
    }
    // SAFETY: the loader put a terminated string there, or 0.
    let line = unsafe { text(start.cmdline_paddr) }?;
    let (options, guest_line) = split(line);
    let mut modules = ArrayVec::new();
    for index in 0..start.nr_modules {
        if modules.is_full() {
            break;
        }
        // SAFETY: the structure has that many modules.
        let entry = unsafe { load::<ModuleEntry>(Hpa(start.modlist_paddr), index) };
        // SAFETY: the loader put a terminated string there, or 0.
        let own_line = unsafe { text(entry.cmdline_paddr) }?;
        let line = if index == 0 { guest_line.trim_start() } else { own_line };
        let range = Range::sized(Hpa(entry.paddr), entry.size);
        modules.push(Module { range, command_line: copy(line)? });
    }
    let acpi = match start.rsdp_paddr {
        0 => AcpiRoot::Search,
        address => AcpiRoot::RootPointer(Hpa(address)),
    };
    Ok(BootInfo { protocol: "PVH", command_line: copy(options)?, memory, modules, acpi })
}

/// Returns what stands before and behind the first word that is [`SEPARATOR`].
fn split(line: &str) -> (&str, &str) {
    let mut from = 0;
    while let Some(found) = line[from..].find(SEPARATOR) {
        let (at, behind) = (from + found, from + found + SEPARATOR.len());
        let (before, rest) = (&line[..at], &line[behind..]);
        let blank = |c: Option<char>| c.is_none_or(char::is_whitespace);
        if blank(before.chars().next_back()) && blank(rest.chars().next()) {
            return (before, rest);
        }
        from = behind;
    }
    (line, "")
}

fn copy(text: &str) -> Result<ArrayString<COMMAND_LINE_BYTES>, BootError> {
    ArrayString::from(text).map_err(|_| BootError::LoaderInformation("long command line"))
}

/// # Safety
///
/// An array of `T` with more than `index` entries must lie at `at`, in mapped memory.
unsafe fn load<T: Copy>(at: Hpa, index: u32) -> T {
    let index = to_usize(u64::from(index));
    // SAFETY: the caller guarantees that the entry exists.
    let entry = unsafe { direct::<T>(at).add(index) };
    // SAFETY: as above; the loader need not have aligned it.
    unsafe { entry.read_unaligned() }
}

/// # Safety
///
/// `at` must be 0 or the address of a terminated string that nothing writes to.
unsafe fn text(at: u64) -> Result<&'static str, BootError> {
    if at == 0 {
        return Ok("");
    }
    // SAFETY: the caller guarantees the terminated string.
    let string = unsafe { CStr::from_ptr(direct(Hpa(at))) };
    string.to_str().map_err(|_| BootError::LoaderInformation("command line"))
}
