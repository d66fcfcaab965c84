//! What a multiboot2 loader such as GRUB tells.

use multiboot2::{BootInformation, BootInformationHeader};
use x86_64::PhysAddr;
use xenolith_core::{
    address::Hpa,
    memory_map::{MemoryMap, Range, Region, RegionKind},
};

use super::{AcpiRoot, Boot, LoaderError, copy, pointer};

/// Reads the information at `info`.
///
/// # Errors
///
/// When it is malformed or has no memory map.
///
/// # Safety
///
/// `info` must be what the loader has passed, and mapped at 0.
pub(super) unsafe fn read(info: PhysAddr) -> Result<Boot, LoaderError> {
    let header: *const BootInformationHeader = pointer(info);
    // SAFETY: the caller guarantees that this is the loader's information; nothing writes to it.
    let information = unsafe { BootInformation::load(header) }
        .map_err(|_| LoaderError::Malformed("information"))?;
    let mut memory = MemoryMap::default();
    let map = information.memory_map_tag().ok_or(LoaderError::Malformed("memory map"))?;
    for area in map.memory_areas() {
        let range = Range::sized(Hpa(area.start_address()), area.size());
        memory.add(Region { range, kind: RegionKind::from_e820(area.typ().into()) })?;
    }
    let module = information.module_tags().next().map(|module| Range {
        start: Hpa(module.start_address().into()),
        end: Hpa(module.end_address().into()),
    });
    let command_line = match information.command_line_tag() {
        Some(tag) => tag.cmdline().map_err(|_| LoaderError::Malformed("command line"))?,
        None => "",
    };
    let command_line = copy(command_line)?;
    let acpi = acpi_root(&information);
    Ok(Boot { protocol: "multiboot2", command_line, memory, module, acpi })
}

fn acpi_root(information: &BootInformation<'_>) -> AcpiRoot {
    let root = |revision, address: usize| AcpiRoot::RootTable { revision, address: address as u64 };
    match (information.rsdp_v2_tag(), information.rsdp_v1_tag()) {
        (Some(tag), _) if tag.checksum_is_valid() => root(tag.revision(), tag.xsdt_address()),
        (_, Some(tag)) if tag.checksum_is_valid() => root(0, tag.rsdt_address()),
        _ => AcpiRoot::Search,
    }
}
