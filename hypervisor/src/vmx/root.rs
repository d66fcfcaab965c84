//! Switching a CPU to VMX root operation.

use super::instructions;
use crate::boot::BootError;
use crate::cpu::features;
use crate::memory::{Memory, direct};
use log::debug;
use x86_64::registers::control::{Cr0, Cr4, Cr4Flags};
use x86_64::registers::model_specific::Msr;
use xenolith_core::address::{Hpa, PAGE_SIZE};
use xenolith_core::vmx::capability::{self, Capabilities, CapabilityError};

/// Proof that this CPU is in VMX root operation, and what its VMX can do.
#[derive(Debug)]
pub(crate) struct VmxRoot {
    capabilities: Capabilities,
}

impl VmxRoot {
    /// Checks what the CPU can do and enters VMX operation.
    ///
    /// # Errors
    ///
    /// Names what is missing.
    pub(crate) fn enter(memory: &mut Memory) -> Result<Self, BootError> {
        if !features::has_vmx() {
            return Err(CapabilityError::NoVmx.into());
        }
        allow_vmxon()?;
        let capabilities = Capabilities::read(read_msr)?;
        debug!("{capabilities:x?}");
        let region = new_region(memory, &capabilities)?;
        adapt_control_registers();
        // SAFETY: feature control and control registers have just been made to allow it, the region
        // is fresh and starts with the revision identifier.
        let entered = unsafe { instructions::vmxon(region) };
        entered.map_err(|_| BootError::Vmxon)?;
        Ok(Self { capabilities })
    }

    /// Returns what this CPU's VMX can do.
    pub(crate) const fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// Drops all cached translations of guests.
    #[expect(clippy::unused_self, reason = "it is the proof that the instructions may be used")]
    pub(crate) fn flush_guests(&self) {
        // SAFETY: `self` proves VMX operation; the form was required at entry.
        unsafe { instructions::invept_all() };
        // SAFETY: as above.
        unsafe { instructions::invvpid_all() };
    }
}

/// Returns a page that starts with the revision identifier, as VMXON and VMPTRLD want it.
///
/// # Errors
///
/// When memory is used up.
pub(super) fn new_region(
    memory: &mut Memory,
    capabilities: &Capabilities,
) -> Result<Hpa, BootError> {
    let region = memory.allocate_zeroed(PAGE_SIZE, PAGE_SIZE).ok_or(BootError::OutOfMemory)?;
    // SAFETY: the page has just been allocated for this.
    unsafe { direct::<u32>(region).write(capabilities.revision) };
    Ok(region)
}

fn read_msr(number: u32) -> u64 {
    // SAFETY: only capability MSRs are read, which a CPU with VMX has.
    unsafe { Msr::new(number).read() }
}

fn allow_vmxon() -> Result<(), CapabilityError> {
    if let Some(value) = capability::feature_control(read_msr(capability::FEATURE_CONTROL))? {
        // SAFETY: the MSR is not locked, and the value only adds VMX and the lock.
        unsafe { Msr::new(capability::FEATURE_CONTROL).write(value) };
    }
    Ok(())
}

/// Sets the bits of CR0 and CR4 that VMX operation needs, and CR4.OSXSAVE for emulating XSETBV.
fn adapt_control_registers() {
    let (fixed0, fixed1) = (read_msr(capability::CR0_FIXED0), read_msr(capability::CR0_FIXED1));
    // SAFETY: paging and protection stay as they are; the CPU asks for the rest.
    unsafe { Cr0::write_raw((Cr0::read_raw() | fixed0) & fixed1) };
    let (fixed0, fixed1) = (read_msr(capability::CR4_FIXED0), read_msr(capability::CR4_FIXED1));
    let mut wanted = Cr4Flags::VIRTUAL_MACHINE_EXTENSIONS | Cr4Flags::OSFXSR;
    if features::has_xsave() {
        wanted |= Cr4Flags::OSXSAVE;
    }
    // SAFETY: as above.
    unsafe { Cr4::write_raw((Cr4::read_raw() | wanted.bits() | fixed0) & fixed1) };
}
