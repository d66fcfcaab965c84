//! The preemption timer: it lets an event come after a number of ticks.
//!
//! In Bochs an instruction takes one tick of the TSC, an entry another, and the timer is exact: so
//! ticks are instructions. (The monitor trap flag, which would be exact everywhere, does nothing in
//! Bochs 2.7.)

use super::vcpu::{Context, Vcpu};
use xenolith_core::guest_memory::GuestMemory;
use xenolith_core::steps::Arrival;
use xenolith_core::vmx::capability::Capabilities;
use xenolith_core::vmx::controls::{ExitControls, PinControls};
use xenolith_core::vmx::field;

/// The timer, and whether it runs.
#[derive(Debug)]
pub(super) struct PreemptionTimer {
    /// Pin-based controls without and with it, if the CPU has one.
    pin: Option<[u32; 2]>,
    /// Exit controls without and with the saving of what is left, if the CPU can.
    exit: Option<[u32; 2]>,
    /// Shift from TSC ticks to its own.
    shift: u32,
    /// Whether an event waits for the ticks.
    stepping: bool,
}

impl PreemptionTimer {
    /// Makes one that is off.
    pub(super) fn new(capabilities: &Capabilities) -> Self {
        let Capabilities { pin, exit, .. } = *capabilities;
        let timer = [pin, pin | PinControls::PREEMPTION_TIMER.bits()];
        let saved = [exit, exit | ExitControls::SAVE_PREEMPTION_TIMER.bits()];
        Self {
            pin: capabilities.has_preemption_timer.then_some(timer),
            exit: capabilities.saves_preemption_timer.then_some(saved),
            shift: capabilities.preemption_timer_shift,
            stepping: false,
        }
    }
}

impl Vcpu {
    /// Makes the vCPU exit after `ticks` of the TSC that it runs. Returns false if the CPU cannot.
    pub(super) fn begin_steps(&mut self, ticks: u32) -> bool {
        let PreemptionTimer { pin, exit, .. } = self.preemption;
        self.preemption.stepping = pin.is_some() && exit.is_some();
        if self.preemption.stepping {
            self.set_preemption_timer(ticks);
        }
        self.preemption.stepping
    }

    /// Lets the vCPU run without such an exit.
    pub(super) fn end_steps(&mut self) {
        self.preemption.stepping = false;
        self.set_preemption_timer(1);
    }

    /// Switches the timer on or off, and with it the saving of what is left of it.
    fn set_preemption_timer(&mut self, ticks: u32) {
        let PreemptionTimer { pin, exit, shift, stepping } = self.preemption;
        let Some(pin) = pin else { return };
        // SAFETY: how long the guest runs is the hypervisor's choice.
        unsafe { self.vmcs.write(field::PREEMPTION_TIMER, (ticks >> shift).max(1)) };
        let controls = pin[usize::from(stepping)];
        // SAFETY: they differ from those settled at the start in the preemption timer only.
        unsafe { self.vmcs.write(field::PIN_BASED_CONTROLS, controls) };
        if let Some(exit) = exit {
            // SAFETY: they differ in the saving of what is left of the timer only.
            unsafe { self.vmcs.write(field::EXIT_CONTROLS, exit[usize::from(stepping)]) };
        }
    }
}

impl Context<'_> {
    /// Raises the event that has waited for the ticks, if one has.
    pub(super) fn serve_steps(&mut self) {
        let now = || {
            let word = self.memory.read_word(self.state.vcpu_info).unwrap_or(0);
            let rip = self.vcpu.vmcs.read(field::GUEST_RIP).0;
            Arrival { rip, mask: word.to_le_bytes()[1] }
        };
        if let Some(port) = self.state.steps.expire(now) {
            self.vcpu.end_steps();
            // This vCPU is the one to be told, and it is told before it goes on.
            let _ = self.channels.set_pending(self.memory, port);
        }
    }
}
