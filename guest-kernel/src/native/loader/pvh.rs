//! What a loader of the PVH protocol such as `qemu -kernel` tells.

use x86_64::PhysAddr;
use xenolith_core::{
    address::Hpa,
    memory_map::{MemoryMap, Range, Region, RegionKind},
};
use zerocopy::FromBytes;

use super::{AcpiRoot, Boot, LoaderError, REACHABLE, copy, pointer, text};
use crate::abi::hvm_start_info::{MAGIC, MemoryRange, Module, StartInfo};

/// Reads the structure at `info`.
///
/// # Errors
///
/// When it is malformed or has no memory map.
///
/// # Safety
///
/// `info` must be what the loader has passed, and memory below [`REACHABLE`] mapped at 0.
pub(super) unsafe fn read(info: PhysAddr) -> Result<Boot, LoaderError> {
    // SAFETY: the caller guarantees that the structure is there.
    let start: StartInfo = unsafe { load(info.as_u64(), 0) }?;
    if start.magic != MAGIC || start.version == 0 {
        return Err(LoaderError::Malformed("start information"));
    }
    let mut memory = MemoryMap::default();
    for index in 0..start.memmap_entries {
        // SAFETY: version 1 of the structure has a memory map of that many entries.
        let entry: MemoryRange = unsafe { load(start.memmap_paddr, index) }?;
        let range = Range::sized(Hpa(entry.addr), entry.size);
        memory.add(Region { range, kind: RegionKind::from_e820(entry.type_) })?;
    }
    let module = if start.nr_modules == 0 {
        None
    } else {
        // SAFETY: the structure has a first module.
        let module: Module = unsafe { load(start.modlist_paddr, 0) }?;
        Some(Range::sized(Hpa(module.paddr), module.size))
    };
    let acpi = match start.rsdp_paddr {
        0 => AcpiRoot::Search,
        address => AcpiRoot::RootPointer(address),
    };
    // SAFETY: the loader has put a terminated string there, or 0.
    let command_line = copy(unsafe { text(start.cmdline_paddr) }?)?;
    Ok(Boot { protocol: "PVH", command_line, memory, module, acpi })
}

/// Copies entry `index` of the list at an address.
///
/// # Safety
///
/// There must be such an entry.
unsafe fn load<T: FromBytes>(list: u64, index: u32) -> Result<T, LoaderError> {
    let offset = u64::from(index) * size_of::<T>() as u64;
    let at = list.checked_add(offset).filter(|&at| at < REACHABLE.as_u64() - size_of::<T>() as u64);
    let at = at.ok_or(LoaderError::Malformed("list"))?;
    // SAFETY: the entry is there and mapped; any bytes make a `T`. The loader need not align it.
    Ok(unsafe { pointer::<T>(PhysAddr::new(at)).read_unaligned() })
}
