//! `memory_op`: how much memory there is, and where.

use core::fmt;

use alloc::vec::Vec;
use xenolith_abi::{domain, hypercall, memory};
use zerocopy::FromZeros;

use super::{Errno, address_of, call};

/// Makes `memory_op` sub-call `command` with a value it reads, fills or both.
///
/// # Safety
///
/// `argument` must be of the type that `command` takes, and what it points to must be the caller's.
unsafe fn query<T>(command: u32, argument: &mut T) -> Result<u64, Errno> {
    let address = address_of(&raw mut *argument);
    // SAFETY: the call writes nothing but the argument and what it points to, by the caller's
    // promise.
    unsafe { call::<{ hypercall::MEMORY_OP }>([command.into(), address, 0]) }
}

/// What a range of guest-physical memory is (E820 types).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Kind(pub u32);

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            memory::E820_RAM => f.write_str("usable"),
            memory::E820_RESERVED => f.write_str("reserved"),
            memory::E820_ACPI => f.write_str("ACPI tables"),
            memory::E820_NVS => f.write_str("ACPI non-volatile"),
            memory::E820_UNUSABLE => f.write_str("unusable"),
            other => write!(f, "type {other}"),
        }
    }
}

/// A range of guest-physical memory.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Range {
    /// Its first address.
    pub start: u64,
    /// Its size.
    pub bytes: u64,
    /// What it is.
    pub kind: Kind,
}

/// Most ranges of a memory map that are asked for.
const MAP_ROOM: u32 = 32;

/// Returns the memory map (`XENMEM_memory_map`).
///
/// # Errors
///
/// `ENOSYS` where the domain has none.
pub fn memory_map() -> Result<Vec<Range>, Errno> {
    let mut entries = [memory::E820Entry::new_zeroed(); MAP_ROOM as usize];
    let buffer = address_of(entries.as_mut_ptr());
    let mut map = memory::MemoryMap { nr_entries: MAP_ROOM, padding: 0, buffer };
    // SAFETY: this sub-call takes a `xen_memory_map`, whose buffer has the room it says.
    unsafe { query(memory::MEMORY_MAP, &mut map) }?;
    let range = |entry: &memory::E820Entry| Range {
        start: entry.addr,
        bytes: entry.size,
        kind: Kind(entry.type_),
    };
    let filled = entries.iter().zip(0..map.nr_entries);
    Ok(filled.map(|(entry, _)| range(entry)).collect())
}

/// Returns the highest frame number of the machine (`XENMEM_maximum_ram_page`).
///
/// # Errors
///
/// None are documented.
pub fn maximum_ram_page() -> Result<u64, Errno> {
    // SAFETY: this sub-call takes no argument and touches no memory.
    unsafe { call::<{ hypercall::MEMORY_OP }>([memory::MAXIMUM_RAM_PAGE.into(), 0, 0]) }
}

/// Returns how many pages this domain has (`XENMEM_current_reservation`).
///
/// # Errors
///
/// None are documented for the caller's own domain.
pub fn current_reservation() -> Result<u64, Errno> {
    // SAFETY: this sub-call takes a `xen_memory_domain`.
    unsafe { query(memory::CURRENT_RESERVATION, &mut memory::Domain { domid: domain::SELF }) }
}

/// Returns how many pages this domain may have (`XENMEM_maximum_reservation`).
///
/// # Errors
///
/// None are documented for the caller's own domain.
pub fn maximum_reservation() -> Result<u64, Errno> {
    // SAFETY: this sub-call takes a `xen_memory_domain`.
    unsafe { query(memory::MAXIMUM_RESERVATION, &mut memory::Domain { domid: domain::SELF }) }
}

/// Returns where the machine-to-physical table is (`XENMEM_machphys_mapping`).
///
/// # Errors
///
/// None are documented for a valid argument.
pub fn machphys_mapping() -> Result<memory::MachphysMapping, Errno> {
    let mut mapping = memory::MachphysMapping::new_zeroed();
    // SAFETY: this sub-call takes a `xen_machphys_mapping`.
    unsafe { query(memory::MACHPHYS_MAPPING, &mut mapping) }?;
    Ok(mapping)
}
