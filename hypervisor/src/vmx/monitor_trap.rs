//! The monitor trap flag: an exit behind the next instruction, where the CPU has it.

use super::vmcs::CurrentVmcs;
use xenolith_core::vmx::capability::Capabilities;
use xenolith_core::vmx::controls::ProcessorControls;
use xenolith_core::vmx::field;

/// The flag of one vCPU.
#[derive(Debug)]
pub(super) struct MonitorTrap {
    /// Processor-based controls without and with it, if the CPU has it.
    controls: Option<[u32; 2]>,
    /// Whether it is set.
    on: bool,
}

impl MonitorTrap {
    /// Returns the flag of a vCPU whose controls are those settled at the start: it is clear.
    pub(super) fn new(capabilities: &Capabilities) -> Self {
        let (clear, flag) = (capabilities.processor, ProcessorControls::MONITOR_TRAP_FLAG.bits());
        let controls = capabilities.has_monitor_trap_flag.then_some([clear, clear | flag]);
        Self { controls, on: false }
    }

    /// Returns whether the CPU has the flag.
    pub(super) const fn exists(&self) -> bool {
        self.controls.is_some()
    }

    /// Makes the vCPU of `vmcs` exit behind its next instruction, or not, if the CPU can.
    pub(super) fn set(&mut self, vmcs: &mut CurrentVmcs, on: bool) {
        if let Some(controls) = self.controls.filter(|_| on != self.on) {
            self.on = on;
            // SAFETY: they differ from those settled at the start in the monitor trap flag only.
            unsafe { vmcs.write(field::PROCESSOR_CONTROLS, controls[usize::from(on)]) };
        }
    }
}
