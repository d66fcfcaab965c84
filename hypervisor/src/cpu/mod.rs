//! One physical CPU: what it can do, its descriptor tables, and what it does about exceptions.

pub(crate) mod apic;
pub(crate) mod clock;
pub(crate) mod cmos;
pub(crate) mod features;
pub(crate) mod interrupts;
pub(crate) mod segments;
pub(crate) mod traps;

use x86_64::instructions::tables::sidt;
use x86_64::registers::control::{Cr0, Cr3, Cr4};
use x86_64::registers::model_specific::{Efer, Msr};

/// IA32_PAT.
const PAT: u32 = 0x277;

/// What a CPU runs with in root mode, as a VM exit has to restore it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HostState {
    pub(crate) selectors: segments::Selectors,
    pub(crate) cr0: u64,
    pub(crate) cr3: u64,
    pub(crate) cr4: u64,
    pub(crate) efer: u64,
    pub(crate) pat: u64,
    pub(crate) gdt_base: u64,
    pub(crate) idt_base: u64,
    pub(crate) task_base: u64,
}

impl HostState {
    /// Reads the state of this CPU, whose tables are `tables`.
    pub(crate) fn current(tables: &segments::Loaded) -> Self {
        let (root, flags) = Cr3::read_raw();
        Self {
            selectors: tables.selectors,
            cr0: Cr0::read_raw(),
            cr3: root.start_address().as_u64() | u64::from(flags),
            cr4: Cr4::read_raw(),
            efer: Efer::read_raw(),
            // SAFETY: every CPU with VMX has the MSR.
            pat: unsafe { Msr::new(PAT).read() },
            gdt_base: tables.gdt_base,
            idt_base: sidt().base.as_u64(),
            task_base: tables.task_base,
        }
    }
}
