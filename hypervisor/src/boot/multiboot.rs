//! What a multiboot2 loader such as GRUB tells.

use super::{AcpiRoot, BootError, BootInfo, Module};
use crate::memory::direct;
use arrayvec::{ArrayString, ArrayVec};
use multiboot2::{BootInformation, BootInformationHeader};
use xenolith_core::address::{Hpa, to_u64};
use xenolith_core::memory_map::{MemoryMap, Range, Region, RegionKind};

/// Copies what is needed out of the information at `info`.
///
/// # Errors
///
/// When it is malformed or has no memory map.
///
/// # Safety
///
/// `info` must be what the loader passed, and mapped.
pub(super) unsafe fn read(info: Hpa) -> Result<BootInfo, BootError> {
    let header = direct::<BootInformationHeader>(info);
    // SAFETY: the caller guarantees that this is the loader's information; nothing writes to it.
    let information = unsafe { BootInformation::load(header) }
        .map_err(|_| BootError::LoaderInformation("information"))?;
    let mut modules = ArrayVec::new();
    for module in information.module_tags().take(modules.capacity()) {
        let (start, end) = (module.start_address(), module.end_address());
        let range = Range { start: Hpa(u64::from(start)), end: Hpa(u64::from(end)) };
        modules.push(Module { range, command_line: copy(module.cmdline())? });
    }
    let command_line = match information.command_line_tag() {
        Some(tag) => copy(tag.cmdline())?,
        None => ArrayString::new(),
    };
    Ok(BootInfo {
        protocol: "multiboot2",
        command_line,
        memory: memory_map(&information)?,
        modules,
        acpi: acpi_root(&information),
    })
}

fn copy<const N: usize, E>(text: Result<&str, E>) -> Result<ArrayString<N>, BootError> {
    let text = text.map_err(|_| BootError::LoaderInformation("command line"))?;
    ArrayString::from(text).map_err(|_| BootError::LoaderInformation("long command line"))
}

fn memory_map(information: &BootInformation<'_>) -> Result<MemoryMap, BootError> {
    let mut map = MemoryMap::default();
    let tag = information.memory_map_tag().ok_or(BootError::NoMemoryMap)?;
    for area in tag.memory_areas() {
        let range = Range::sized(Hpa(area.start_address()), area.size());
        map.add(Region { range, kind: RegionKind::from_e820(area.typ().into()) })?;
    }
    Ok(map)
}

fn acpi_root(information: &BootInformation<'_>) -> AcpiRoot {
    let root =
        |revision, address: usize| AcpiRoot::RootTable { revision, address: Hpa(to_u64(address)) };
    match (information.rsdp_v2_tag(), information.rsdp_v1_tag()) {
        (Some(tag), _) if tag.checksum_is_valid() => root(tag.revision(), tag.xsdt_address()),
        (_, Some(tag)) if tag.checksum_is_valid() => root(0, tag.rsdt_address()),
        _ => AcpiRoot::Search,
    }
}
