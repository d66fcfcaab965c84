//! The current VMCS, through which a vCPU's hardware state is reached.

use super::instructions::{self, vmread, vmwrite};
use super::root::{VmxRoot, new_region};
use crate::boot::BootError;
use crate::memory::Memory;
use core::marker::PhantomData;
use xenolith_core::vmx::field::{Field, ReadWrite, Width};

/// Proof that a VMCS is current on this CPU.
///
/// There is one per CPU for now, which is why nothing ever takes it away again.
#[derive(Debug)]
pub(crate) struct CurrentVmcs {
    /// Bound to the CPU on which it is current.
    _not_send: PhantomData<*const ()>,
}

impl CurrentVmcs {
    /// Allocates a VMCS and makes it current.
    ///
    /// # Errors
    ///
    /// When memory is used up or the CPU refuses it.
    pub(crate) fn new(root: &VmxRoot, memory: &mut Memory) -> Result<Self, BootError> {
        let region = new_region(memory, root.capabilities())?;
        // SAFETY: `root` proves VMX operation, the region is a fresh VMCS page.
        unsafe { instructions::vmclear(region) }.map_err(|_| BootError::Vmcs)?;
        // SAFETY: as above; no other CPU knows it.
        unsafe { instructions::vmptrld(region) }.map_err(|_| BootError::Vmcs)?;
        Ok(Self { _not_send: PhantomData })
    }

    /// Reads a field.
    #[inline]
    #[expect(clippy::unused_self, reason = "it is the proof that a VMCS is current")]
    pub(super) fn read<T: Width, A>(&self, field: Field<T, A>) -> T {
        // SAFETY: `self` proves that a VMCS is current.
        T::from_raw(unsafe { vmread(field.encoding()) })
    }

    /// Writes a field.
    ///
    /// # Safety
    ///
    /// Host state must be what the hypervisor runs with, and controls must keep the guest confined.
    #[inline]
    #[expect(clippy::unused_self, reason = "it is the proof that a VMCS is current")]
    pub(super) unsafe fn write<T: Width>(&mut self, field: Field<T, ReadWrite>, value: T) {
        // SAFETY: `self` proves that a VMCS is current; the caller guarantees the value.
        unsafe { vmwrite(field.encoding(), value.to_raw()) };
    }
}
