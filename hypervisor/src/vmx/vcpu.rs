//! A virtual CPU of VMX.

use super::fresh;
use super::machine::VcpuMachine;
use super::monitor_trap::MonitorTrap;
use super::preemption::PreemptionTimer;
use super::root::VmxRoot;
use super::setup::{self, Initial};
use super::switch::{self, CallRegisters, ENTRY_REFUSED, GuestRegisters};
use super::vmcs::CurrentVmcs;
use super::xsavec;
use crate::boot::BootError;
use crate::cpu::HostState;
use crate::cpu::clock::{self, Clock};
use crate::domain_memory::DomainMemory;
use crate::memory::Memory;
use log::{Level, log};
use xenolith_core::address::VcpuId;
use xenolith_core::crash::CrashReason;
use xenolith_core::domain::Domain;
use xenolith_core::event_channel::EventChannels;
use xenolith_core::resident::Header;
use xenolith_core::shutdown::ShutdownReason;
use xenolith_core::time;
use xenolith_core::vcpu::VcpuState;
use xenolith_core::vmx::exit_reason::{ExitReason, REASON_SLOTS};
use xenolith_core::vmx::field;

/// An address at which no guest can execute anything: it is not canonical.
const NOWHERE: u64 = 1 << 63;

/// How a domain ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    /// It asked for it.
    Shutdown(ShutdownReason),
    /// It did something that it cannot go on from.
    Crash(CrashReason),
}

/// Which instructions work in the guest that need not.
#[derive(Clone, Copy, Debug)]
pub(super) struct Works {
    pub(super) rdtscp: bool,
    pub(super) xsavec: bool,
}

/// A vCPU and the VMCS that holds its state.
#[derive(Debug)]
pub(crate) struct Vcpu {
    pub(super) id: VcpuId,
    pub(super) registers: GuestRegisters,
    pub(super) vmcs: CurrentVmcs,
    /// Exits so far, by reason.
    pub(super) exits: [u64; REASON_SLOTS],
    pub(super) works: Works,
    pub(super) clock: Clock,
    /// The system time at which the clock's interrupt comes at the latest, or [`super::time::NEVER`].
    pub(super) armed_ns: u64,
    /// The time as the guest computes it.
    pub(super) time: time::Clock,
    /// Whether an NMI waits for the guest.
    pub(super) nmi_pending: bool,
    /// Whether the guest serves one: up to its next `iret` the next one waits.
    pub(super) nmi_in_service: bool,
    /// Where the resident's code is, and its VMCALL that passes hypercalls on.
    pub(super) resident: u64,
    pub(super) hypercall_rip: u64,
    /// Where the resident goes on behind a hypercall.
    pub(super) hypercall_tail: u64,
    pub(super) preemption: PreemptionTimer,
    pub(super) monitor_trap: MonitorTrap,
}

/// What exit handlers work on.
#[derive(Debug)]
pub(super) struct Context<'a> {
    pub(super) vcpu: &'a mut Vcpu,
    pub(super) domain: &'a mut Domain,
    pub(super) state: &'a mut VcpuState,
    pub(super) memory: &'a mut DomainMemory,
    pub(super) channels: &'a mut EventChannels,
    /// Set by the handler that ends the domain.
    pub(super) end: Option<End>,
}

impl Vcpu {
    /// Makes a vCPU that starts as `initial` says.
    ///
    /// # Errors
    ///
    /// When memory is used up, or the CPU refuses the VMCS.
    pub(crate) fn new(
        root: &VmxRoot,
        memory: &mut Memory,
        host: &HostState,
        initial: &Initial,
        header: &Header,
        clock: Clock,
    ) -> Result<Self, BootError> {
        let mut vmcs = CurrentVmcs::new(root, memory)?;
        let capabilities = root.capabilities();
        setup::host_state(&mut vmcs, host);
        setup::controls(&mut vmcs, capabilities, memory, initial.ept_pointer)?;
        setup::guest_state(&mut vmcs, initial);
        setup::system_call(&initial.hole, header);
        root.flush_guests();
        Ok(Self {
            id: VcpuId(0),
            registers: GuestRegisters {
                call: CallRegisters { rsi: initial.rsi.0, ..CallRegisters::default() },
                ..GuestRegisters::default()
            },
            vmcs,
            exits: [0; REASON_SLOTS],
            works: Works { rdtscp: capabilities.has_rdtscp(), xsavec: xsavec::works() },
            time: clock.system_time(),
            armed_ns: super::time::NEVER,
            nmi_pending: false,
            nmi_in_service: false,
            clock,
            resident: initial.hole.text().0,
            hypercall_tail: initial.hole.text().0 + u64::from(header.hypercall_tail.0),
            // A traced domain's calls take the second stage.
            hypercall_rip: if header.is_traced() {
                NOWHERE
            } else {
                initial.hole.text().0 + u64::from(header.hypercall)
            },
            preemption: PreemptionTimer::new(capabilities),
            monitor_trap: MonitorTrap::new(capabilities),
        })
    }

    /// Runs the vCPU until its domain ends.
    pub(crate) fn run(
        &mut self,
        domain: &mut Domain,
        state: &mut VcpuState,
        memory: &mut DomainMemory,
        channels: &mut EventChannels,
    ) -> End {
        fresh::reset(self.works.rdtscp);
        let mut registers = self.registers;
        let mut context = Context { vcpu: self, domain, state, memory, channels, end: None };
        // SAFETY: `new` has completed the VMCS, which has not been launched: running ends with the
        // domain. The handler that its host RIP leads to takes a `Context`.
        let code = unsafe { switch::enter(&mut registers, &raw mut context) };
        let end = context.end.unwrap_or_else(|| {
            End::Crash(CrashReason::Unhandled {
                what: "the CPU refused to enter the guest",
                reason: if code == ENTRY_REFUSED { context.vcpu.instruction_error() } else { code },
                qualification: 0,
            })
        });
        self.registers = registers;
        end
    }

    /// Returns the reasons for which the vCPU has exited so far, and how often.
    pub(crate) fn exit_counts(&self) -> impl Iterator<Item = (ExitReason, u64)> + '_ {
        (0..).map(ExitReason).zip(self.exits).filter(|(_, count)| *count != 0)
    }

    /// Logs them, and when that was.
    pub(crate) fn log_exit_counts(&self, level: Level) {
        for (reason, count) in self.exit_counts() {
            log!(level, "{count} exits by {reason}");
        }
        log!(level, "so many exits at TSC {}", clock::tsc());
    }

    fn instruction_error(&self) -> u32 {
        self.vmcs.read(field::INSTRUCTION_ERROR)
    }
}

impl Context<'_> {
    /// Returns the machine as hypercall handlers see it, beside domain and vCPU.
    pub(super) fn split(&mut self) -> (&mut Domain, &mut VcpuState, VcpuMachine<'_>) {
        let Domain { hole, grant_frames, .. } = *self.domain;
        let (vcpu, memory, channels) = (&mut *self.vcpu, &mut *self.memory, &mut *self.channels);
        let machine = VcpuMachine { vcpu, memory, channels, hole, grant_frames };
        (self.domain, self.state, machine)
    }
}
