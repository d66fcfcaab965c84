//! What ACPI's tables say of switching the machine off and on again.

use core::{ptr::NonNull, slice};

use acpi::{
    AcpiError, AcpiHandler, AcpiTables, PhysicalMapping, address::AddressSpace, fadt::Fadt,
};
use x86_64::PhysAddr;

use super::{
    REACHABLE,
    loader::{AcpiRoot, pointer},
    sleep_type,
};

/// How the machine is switched off.
#[derive(Clone, Copy, Debug)]
pub(super) struct SoftOff {
    /// The port PM1a_CNT and the value that switches off.
    pub(super) first: (u16, u16),
    /// The same of PM1b_CNT, where there is one.
    pub(super) second: Option<(u16, u16)>,
}

/// What the tables say.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Power {
    /// How the machine is switched off.
    pub(super) off: Option<SoftOff>,
    /// The port that resets it, and the value.
    pub(super) reset: Option<(u16, u8)>,
}

/// Reads tables where the boot page tables map them.
#[derive(Clone, Copy, Debug)]
struct BootMap;

/// Stands in for tables out of reach: no signature or checksum matches it.
static NO_TABLE: [u64; 512] = [u64::MAX; 512];

fn reachable<T>(at: usize, bytes: usize) -> Option<*const T> {
    let at = u64::try_from(at).ok()?;
    let end = at.checked_add(u64::try_from(bytes).ok()?)?;
    (at != 0 && end <= REACHABLE.as_u64()).then(|| pointer(PhysAddr::new(at)))
}

impl AcpiHandler for BootMap {
    unsafe fn map_physical_region<T>(&self, at: usize, size: usize) -> PhysicalMapping<Self, T> {
        let table: *const T = reachable(at, size).unwrap_or((&raw const NO_TABLE).cast());
        let start = NonNull::new(table.cast_mut()).expect("neither address is 0");
        // SAFETY: the memory is mapped while booting, when alone tables are read.
        unsafe { PhysicalMapping::new(at, start, size, size, *self) }
    }

    fn unmap_physical_region<T>(_: &PhysicalMapping<Self, T>) {}
}

/// Reads what the tables say; nothing on a machine without.
///
/// # Safety
///
/// The boot page tables must be in use, and `root` what the loader told.
pub(super) unsafe fn read(root: AcpiRoot) -> Power {
    // SAFETY: promised by the caller.
    unsafe { tables(root) }
        .and_then(|tables| {
            let fadt = tables.find_table::<Fadt>()?;
            Ok(Power { off: soft_off(&fadt), reset: reset(&fadt) })
        })
        .unwrap_or_default()
}

/// # Safety
///
/// As for [`read`].
unsafe fn tables(root: AcpiRoot) -> Result<AcpiTables<BootMap>, AcpiError> {
    let address = |at: u64| usize::try_from(at).map_err(|_| AcpiError::NoValidRsdp);
    match root {
        // SAFETY: the address is the firmware's, by way of the loader.
        AcpiRoot::RootPointer(at) => unsafe { AcpiTables::from_rsdp(BootMap, address(at)?) },
        // SAFETY: likewise.
        AcpiRoot::RootTable { revision, address: at } => unsafe {
            AcpiTables::from_rsdt(BootMap, revision, address(at)?)
        },
        // SAFETY: the BIOS's areas are mapped and can be read.
        AcpiRoot::Search => unsafe { AcpiTables::search_for_rsdp_bios(BootMap) },
    }
}

/// Bits of PM1_CNT (ACPI 6.5, 4.8.3.2.1): what kind of sleep, and go.
const SLEEP_TYPE_SHIFT: u32 = 10;
const SLEEP_ENABLE: u16 = 1 << 13;

fn soft_off(fadt: &Fadt) -> Option<SoftOff> {
    let [first, second] = sleep_type::soft_off(dsdt(fadt)?)?
        .map(|kind| u16::from(kind & 7) << SLEEP_TYPE_SHIFT | SLEEP_ENABLE);
    let port = |at: u64| u16::try_from(at).ok().filter(|&port| port != 0);
    let control = fadt.pm1a_control_block().ok()?;
    let other = fadt.pm1b_control_block().ok().flatten().and_then(|it| port(it.address));
    let is_port = control.address_space == AddressSpace::SystemIo;
    let first = (port(control.address).filter(|_| is_port)?, first);
    Some(SoftOff { first, second: other.map(|port| (port, second)) })
}

/// Returns the DSDT with its header.
fn dsdt(fadt: &Fadt) -> Option<&'static [u8]> {
    const LENGTH: usize = 4;
    let at = fadt.dsdt_address().ok()?;
    let length: *const u32 = reachable(at + LENGTH, size_of::<u32>())?;
    // SAFETY: the boot page tables map it; it is the table's length.
    let length = usize::try_from(unsafe { length.read_unaligned() }).ok()?;
    let start: *const u8 = reachable(at, length)?;
    // SAFETY: the table is mapped as long as the boot page tables are in use, and not written.
    Some(unsafe { slice::from_raw_parts(start, length) })
}

fn reset(fadt: &Fadt) -> Option<(u16, u8)> {
    let flags = fadt.flags;
    let register = fadt.reset_register().ok()?;
    let is_port = register.address_space == AddressSpace::SystemIo;
    let port = u16::try_from(register.address).ok().filter(|_| is_port)?;
    flags.supports_system_reset_via_fadt().then_some((port, fadt.reset_value))
}
