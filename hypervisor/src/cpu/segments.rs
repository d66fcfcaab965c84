//! GDT and TSS of a CPU.

use crate::memory::stacks::StackTops;
use x86_64::VirtAddr;
use x86_64::instructions::segmentation::{CS, DS, ES, FS, GS, SS, Segment};
use x86_64::instructions::tables::{load_tss, sgdt};
use x86_64::structures::gdt::{Descriptor, GlobalDescriptorTable, SegmentSelector};
use x86_64::structures::tss::TaskStateSegment;
use xenolith_core::address::to_u64;

/// Interrupt stack of double faults.
pub(crate) const DOUBLE_FAULT_STACK: u16 = 0;
/// Interrupt stack of NMIs.
pub(crate) const NMI_STACK: u16 = 1;
/// Interrupt stack of machine checks.
pub(crate) const MACHINE_CHECK_STACK: u16 = 2;

/// The descriptor tables of one CPU. They must stay where they are once loaded.
#[derive(Debug)]
pub(crate) struct Segments {
    gdt: GlobalDescriptorTable,
    tss: TaskStateSegment,
}

/// What a CPU runs with once its tables are loaded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loaded {
    /// The selectors.
    pub(crate) selectors: Selectors,
    /// Linear address of the GDT.
    pub(crate) gdt_base: u64,
    /// Linear address of the TSS.
    pub(crate) task_base: u64,
}

/// The selectors that a CPU runs with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Selectors {
    /// 64-bit code.
    pub(crate) code: SegmentSelector,
    /// The stack's segment.
    pub(crate) data: SegmentSelector,
    /// The task state segment.
    pub(crate) task: SegmentSelector,
}

impl Segments {
    /// Makes tables whose interrupt stacks are those of `stacks`.
    pub(crate) fn new(stacks: &StackTops) -> Self {
        let mut tss = TaskStateSegment::new();
        for (index, top) in [
            (DOUBLE_FAULT_STACK, stacks.double_fault),
            (NMI_STACK, stacks.nmi),
            (MACHINE_CHECK_STACK, stacks.machine_check),
        ] {
            tss.interrupt_stack_table[usize::from(index)] = VirtAddr::new(top);
        }
        Self { gdt: GlobalDescriptorTable::new(), tss }
    }

    /// Loads the tables into this CPU.
    ///
    /// # Safety
    ///
    /// The CPU must not use any other GDT's selectors afterwards; interrupts must be off.
    pub(crate) unsafe fn load(&'static mut self) -> Loaded {
        let code = self.gdt.append(Descriptor::kernel_code_segment());
        let data = self.gdt.append(Descriptor::kernel_data_segment());
        let task = self.gdt.append(Descriptor::tss_segment(&self.tss));
        self.gdt.load();
        // SAFETY: `code` is a 64-bit code segment of the GDT just loaded.
        unsafe { CS::set_reg(code) };
        // SAFETY: `data` is a writable data segment of it.
        unsafe { SS::set_reg(data) };
        // SAFETY: `task` is its available TSS, which lives as long as the hypervisor.
        unsafe { load_tss(task) };
        for load in [DS::set_reg, ES::set_reg, FS::set_reg, GS::set_reg] {
            // SAFETY: the null selector is valid in every data segment register but SS.
            unsafe { load(SegmentSelector(0)) };
        }
        let selectors = Selectors { code, data, task };
        let task_base = to_u64((&raw const self.tss).addr());
        Loaded { selectors, gdt_base: sgdt().base.as_u64(), task_base }
    }
}
