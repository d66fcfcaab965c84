//! What the firmware's ACPI tables say of CPUs and interrupt controllers.

use crate::boot::AcpiRoot;
use crate::memory::direct;
use acpi::madt::{Madt, MadtEntry};
use acpi::{AcpiError, AcpiHandler, AcpiTables, PhysicalMapping};
use core::ptr::NonNull;
use log::{info, warn};
use xenolith_core::address::{Hpa, to_u64, to_usize};

/// What the boot tables map; firmware keeps its tables below.
const REACHABLE_BYTES: usize = 4 << 30;

/// Reads tables through the direct map.
#[derive(Clone, Copy, Debug)]
struct DirectMap;

/// Stands in for tables out of reach: no signature or checksum matches it.
static NO_TABLE: [u64; 512] = [u64::MAX; 512];

impl AcpiHandler for DirectMap {
    unsafe fn map_physical_region<T>(&self, at: usize, size: usize) -> PhysicalMapping<Self, T> {
        let reachable = at != 0 && at.checked_add(size).is_some_and(|end| end <= REACHABLE_BYTES);
        let pointer = if reachable {
            direct::<T>(Hpa(to_u64(at)))
        } else {
            (&raw const NO_TABLE).cast_mut().cast::<T>()
        };
        let start = NonNull::new(pointer).expect("neither address is 0");
        // SAFETY: all reachable memory is mapped while booting, when alone tables are read.
        unsafe { PhysicalMapping::new(at, start, size, size, *self) }
    }

    fn unmap_physical_region<T>(_: &PhysicalMapping<Self, T>) {}
}

/// Where the interrupt of the first serial port arrives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SerialInterrupt {
    /// Registers of the I/O APIC.
    pub(crate) io_apic: Hpa,
    /// Its input.
    pub(crate) input: u32,
}

/// ISA interrupt of the first serial port.
const SERIAL_IRQ: u32 = 4;

/// Logs the CPUs and interrupt controllers that the tables name, and returns how the serial port's
/// interrupt arrives. A machine without tables runs on its one CPU and polls the port.
pub(crate) fn report(root: AcpiRoot) -> Option<SerialInterrupt> {
    let found = tables(root).and_then(|tables| report_madt(&tables));
    found.unwrap_or_else(|error| {
        warn!("no ACPI description of CPUs: {error:?}");
        None
    })
}

fn tables(root: AcpiRoot) -> Result<AcpiTables<DirectMap>, AcpiError> {
    let address = |at: Hpa| to_usize(at.0);
    match root {
        // SAFETY: the address is the firmware's, by way of the loader.
        AcpiRoot::RootPointer(at) => unsafe { AcpiTables::from_rsdp(DirectMap, address(at)) },
        AcpiRoot::RootTable { revision, address: at } => {
            // SAFETY: as above.
            unsafe { AcpiTables::from_rsdt(DirectMap, revision, address(at)) }
        }
        // SAFETY: the BIOS's areas are mapped and can be read.
        AcpiRoot::Search => unsafe { AcpiTables::search_for_rsdp_bios(DirectMap) },
    }
}

fn report_madt(tables: &AcpiTables<DirectMap>) -> Result<Option<SerialInterrupt>, AcpiError> {
    const ENABLED: u32 = 1;
    let mut serial = SERIAL_IRQ;
    let mut first = None;
    let madt = tables.find_table::<Madt>()?;
    info!("local APICs at {:#x}", { madt.get().local_apic_address });
    for entry in madt.get().entries() {
        match entry {
            MadtEntry::LocalApic(apic) => {
                report_cpu(u32::from(apic.apic_id), apic.flags & ENABLED != 0);
            }
            MadtEntry::LocalX2Apic(apic) => report_cpu(apic.x2apic_id, apic.flags & ENABLED != 0),
            MadtEntry::IoApic(apic) => {
                let (address, base) = (apic.io_apic_address, apic.global_system_interrupt_base);
                info!("I/O APIC {} at {address:#x}, interrupts from {base}", apic.io_apic_id);
                if base == 0 {
                    first = Some(Hpa(u64::from(address)));
                }
            }
            MadtEntry::InterruptSourceOverride(moved) if u32::from(moved.irq) == SERIAL_IRQ => {
                serial = moved.global_system_interrupt;
            }
            _ => {}
        }
    }
    Ok(first.map(|io_apic| SerialInterrupt { io_apic, input: serial }))
}

fn report_cpu(apic_id: u32, enabled: bool) {
    info!("CPU with APIC ID {apic_id}{}", if enabled { "" } else { ", disabled" });
}
