//! The preemption timer: it looks after console output that waits, and makes instructions exit one
//! by one so that they can be counted.
//!
//! The count is exact where each instruction and each entry take one tick of the TSC: in Bochs. The
//! monitor trap flag, which is made for this, does nothing in Bochs 2.7. An instruction that exits
//! for another reason is not counted, nor is the delivery of an injected event: what runs next is.

use super::vcpu::{Context, Vcpu};
use xenolith_core::vmx::capability::Capabilities;
use xenolith_core::vmx::controls::PinControls;
use xenolith_core::vmx::field;

/// TSC ticks between two looks at the console while output waits: a fraction of a millisecond.
const POLL_TICKS: u64 = 1 << 18;
/// Ticks of the timer for the entry and one instruction.
const STEP_TICKS: u32 = 2;

/// What the timer is used for.
#[derive(Debug)]
pub(super) struct PreemptionTimer {
    /// Pin-based controls without and with it, if the CPU has one.
    controls: Option<[u32; 2]>,
    /// [`POLL_TICKS`] as it counts them.
    poll_ticks: u32,
    /// Whether console output waits.
    polling: bool,
    /// Whether instructions are counted.
    stepping: bool,
}

impl PreemptionTimer {
    /// Makes one that is off.
    pub(super) fn new(capabilities: &Capabilities) -> Self {
        let timer = PinControls::PREEMPTION_TIMER.bits();
        let controls = [capabilities.pin, capabilities.pin | timer];
        let ticks = POLL_TICKS >> capabilities.preemption_timer_shift;
        Self {
            controls: capabilities.has_preemption_timer.then_some(controls),
            poll_ticks: u32::try_from(ticks.max(1)).expect("the shift only makes it smaller"),
            polling: false,
            stepping: false,
        }
    }
}

impl Vcpu {
    /// Looks after console output from now on, or no more. Returns false if the CPU cannot.
    pub(super) fn poll_while(&mut self, output_waits: bool) -> bool {
        if output_waits != self.preemption.polling {
            self.preemption.polling = output_waits;
            self.set_preemption_timer();
        }
        self.preemption.controls.is_some()
    }

    /// Makes each instruction exit. Returns false if the CPU cannot.
    pub(super) fn begin_steps(&mut self) -> bool {
        self.preemption.stepping = self.preemption.controls.is_some();
        self.set_preemption_timer();
        self.preemption.stepping
    }

    /// Lets instructions run without such exits.
    pub(super) fn end_steps(&mut self) {
        self.preemption.stepping = false;
        self.set_preemption_timer();
    }

    fn set_preemption_timer(&mut self) {
        let PreemptionTimer { controls, poll_ticks, polling, stepping } = self.preemption;
        let Some([off, on]) = controls else { return };
        let ticks = if stepping { STEP_TICKS } else { poll_ticks };
        // SAFETY: how long the guest runs is the hypervisor's choice.
        unsafe { self.vmcs.write(field::PREEMPTION_TIMER, ticks) };
        let controls = if polling || stepping { on } else { off };
        // SAFETY: they differ from those settled at the start in the preemption timer only.
        unsafe { self.vmcs.write(field::PIN_BASED_CONTROLS, controls) };
    }
}

impl Context<'_> {
    /// Counts an instruction, if they are counted, and raises the event that is due behind it.
    pub(super) fn step(&mut self) {
        let rip = self.vcpu.vmcs.read(field::GUEST_RIP).0;
        if let Some(port) = self.state.steps.step(rip) {
            self.vcpu.end_steps();
            // This vCPU is the one to be told, and it is told before it goes on.
            let _ = self.channels.set_pending(self.memory, port);
        }
    }
}
