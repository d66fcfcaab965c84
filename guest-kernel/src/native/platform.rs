//! The services of bare hardware: devices.

use alloc::vec::Vec;

use spin::Once;
use x86_64::VirtAddr;
use xenolith_core::memory_map::{MemoryMap, Region, RegionKind};

use super::{apic, clock, gates, interrupts, power, segments, serial};
use crate::{
    abi::{errno::ENOSYS, memory as abi},
    hypercall::{
        Errno,
        memory::{Kind, Range},
    },
    platform::Platform,
};

pub(super) static PLATFORM: Platform = Platform {
    write: serial::write,
    read: serial::read,
    // There is nobody else.
    yield_now: core::hint::spin_loop,
    // Interrupts have their gates from the start.
    install_upcall: || Ok(()),
    bind_virq: interrupts::bind,
    port_status: interrupts::status,
    request_upcall: apic::interrupt_self,
    set_timer: clock::set_timer,
    install_vector: |vector, flags| {
        gates::install(vector, flags);
        Ok(())
    },
    install_user: |stack: VirtAddr| {
        segments::install_user(stack);
        Ok(())
    },
    set_user_stack: segments::set_user_stack,
    install_process_calls: || {
        segments::install_process_calls();
        Ok(())
    },
    memory_map,
    shutdown: power::shutdown,
};

/// What the loader has told.
static MEMORY: Once<MemoryMap> = Once::new();

/// Keeps what the loader has told.
pub(super) fn keep(memory: MemoryMap) {
    MEMORY.call_once(|| memory);
}

fn memory_map() -> Result<Vec<Range>, Errno> {
    let memory = MEMORY.get().ok_or(Errno(ENOSYS))?;
    Ok(memory.regions().iter().map(range).collect())
}

fn range(region: &Region) -> Range {
    let kind = match region.kind {
        RegionKind::Ram => abi::E820_RAM,
        RegionKind::AcpiReclaimable => abi::E820_ACPI,
        RegionKind::AcpiNvs => abi::E820_NVS,
        RegionKind::Bad => abi::E820_UNUSABLE,
        RegionKind::Reserved => abi::E820_RESERVED,
    };
    Range { start: region.range.start.0, bytes: region.range.bytes(), kind: Kind(kind) }
}
