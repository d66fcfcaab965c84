//! What hypercall handlers see of a vCPU and its domain's memory.

use super::debug;
use super::instructions;
use super::setup;
use super::vcpu::Vcpu;
use crate::console;
use crate::domain_memory::DomainMemory;
use xenolith_core::address::{DomId, Gpa};
use xenolith_core::console::ConsoleQueues;
use xenolith_core::event_channel::{Domains, EventChannels, Notify, Service};
use xenolith_core::hole::Hole;
use xenolith_core::hypercall::Machine;
use xenolith_core::time::Clock;
use xenolith_core::vmx::field::{self, Natural};
use zerocopy::IntoBytes;

/// The calling vCPU and its domain's memory.
#[derive(Debug)]
pub(super) struct VcpuMachine<'a> {
    pub(super) vcpu: &'a mut Vcpu,
    pub(super) memory: &'a mut DomainMemory,
    pub(super) channels: &'a mut EventChannels,
    pub(super) hole: Hole,
}

/// There is one domain: the caller's.
impl Domains for VcpuMachine<'_> {
    type SharedMemory = DomainMemory;

    fn with_channels<R>(
        &mut self,
        domain: DomId,
        action: impl FnOnce(&mut EventChannels, &mut DomainMemory) -> R,
    ) -> Option<R> {
        if domain != self.channels.domain() {
            return None;
        }
        let result = action(self.channels, self.memory);
        let (memory, hole) = (&mut *self.memory, self.hole);
        self.channels.publish_changes(|port, record| {
            memory.publish(hole.port(port), record.as_bytes());
        });
        Some(result)
    }

    /// The one vCPU is on its way back into the guest, and finds its events there. Nobody serves the
    /// store.
    fn notify(&mut self, notify: Notify) {
        if let Notify::Service(_, Service::Console) = notify {
            let moved = console::with_queues(|queues| queues.ring_event(self.memory));
            tell_console(self.channels, self.memory, moved);
            self.vcpu.serve_console();
        }
    }
}

impl Machine for VcpuMachine<'_> {
    type Memory = DomainMemory;

    fn memory(&mut self) -> &mut DomainMemory {
        self.memory
    }

    fn cr3(&self) -> u64 {
        self.vcpu.vmcs.read(field::GUEST_CR3).0
    }

    fn with_console<R>(&mut self, action: impl FnOnce(&mut ConsoleQueues) -> R) -> R {
        serve_ring(self.channels, self.memory);
        let result = console::with_queues(action);
        self.vcpu.serve_console();
        result
    }

    fn publish(&mut self, at: Gpa, bytes: &[u8]) {
        self.memory.publish(at, bytes);
    }

    fn flush(&mut self) {
        // SAFETY: a VMCS is current, so this is VMX operation; the form was required at the start.
        unsafe { instructions::invvpid_all() };
    }

    fn set_handled(&mut self, handled: u32) {
        let bitmap = setup::exception_bitmap(handled);
        // SAFETY: what the hypervisor has to see is in the bitmap whatever the guest handles.
        unsafe { self.vcpu.vmcs.write(field::EXCEPTION_BITMAP, bitmap) };
    }

    fn clock(&self) -> Clock {
        self.vcpu.time
    }

    fn now_ns(&self) -> u64 {
        self.vcpu.now_ns()
    }

    fn arm(&mut self, deadline_ns: Option<u64>) {
        self.vcpu.arm(deadline_ns);
    }

    fn send_nmi(&mut self) {
        self.vcpu.nmi_pending = true;
    }

    fn cr4(&self) -> u64 {
        let vmcs = &self.vcpu.vmcs;
        let mask = vmcs.read(field::CR4_MASK).0;
        vmcs.read(field::CR4_SHADOW).0 & mask | vmcs.read(field::GUEST_CR4).0 & !mask
    }

    fn debug_register(&self, number: u8) -> u64 {
        if number == 7 { self.vcpu.vmcs.read(field::GUEST_DR7).0 } else { debug::read(number) }
    }

    fn set_debug_register(&mut self, number: u8, value: u64) {
        if number == 7 {
            // SAFETY: guest state cannot hurt anybody but the guest.
            unsafe { self.vcpu.vmcs.write(field::GUEST_DR7, Natural(value)) };
        } else {
            debug::write(number, value);
        }
    }

    fn exit_counts(&self) -> &[u64] {
        &self.vcpu.exits
    }

    fn begin_steps(&mut self, ticks: u32) -> bool {
        self.vcpu.begin_steps(ticks)
    }

    fn end_steps(&mut self) {
        self.vcpu.end_steps();
    }
}

/// Moves console bytes between the line, the queues and the domain's ring.
pub(super) fn serve_ring(channels: &mut EventChannels, memory: &mut DomainMemory) {
    console::pump();
    let is_open = channels.service_port(Service::Console).is_some();
    let moved = console::with_queues(|queues| {
        if !is_open {
            queues.detach_ring();
        }
        queues.serve_ring(memory)
    });
    tell_console(channels, memory, moved);
}

/// Sends an event through the console's port if bytes have `moved` through the ring.
fn tell_console(channels: &mut EventChannels, memory: &mut DomainMemory, moved: bool) {
    if moved {
        // This vCPU is the one to be told, and it looks before it goes on.
        let _ = channels.raise_service(memory, Service::Console);
    }
}

impl Vcpu {
    /// Moves console bytes. While some wait for the line the preemption timer calls back; without
    /// such a timer they are waited for.
    pub(super) fn serve_console(&mut self) {
        let queued = console::pump();
        if !self.poll_while(queued) && queued {
            console::drain();
        }
    }
}
