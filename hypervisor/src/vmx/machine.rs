//! What hypercall handlers see of a vCPU and its domain's memory.

use super::debug;
use super::instructions;
use super::setup;
use super::vcpu::Vcpu;
use crate::console;
use crate::cpu::interrupts;
use crate::domain_memory::DomainMemory;
use x86_64::registers::model_specific::Msr;
use xenolith_abi::xenolith::KERNEL_CS;
use xenolith_core::address::{DomId, Gfn, Gpa, Gva};
use xenolith_core::console::ConsoleQueues;
use xenolith_core::domain_builder::guest_frames::GuestFrames;
use xenolith_core::emulate::msr;
use xenolith_core::event_channel::{Domains, EventChannels, Notify, Service};
use xenolith_core::frame_set::FrameSet;
use xenolith_core::hole::Hole;
use xenolith_core::hypercall::{EntryPoint, FpuUse, Machine, OwnState, SegmentBase};
use xenolith_core::time::Clock;
use xenolith_core::vmx::field::{self, Natural};
use zerocopy::IntoBytes;

/// Nanoseconds between two looks at a line that output waits for: it sends some 11 bytes in them.
const PUMP_NS: u64 = 1_000_000;

/// The calling vCPU and its domain's memory.
#[derive(Debug)]
pub(super) struct VcpuMachine<'a> {
    pub(super) vcpu: &'a mut Vcpu,
    pub(super) memory: &'a mut DomainMemory,
    pub(super) channels: &'a mut EventChannels,
    pub(super) hole: Hole,
    /// Frames of the domain's grant table.
    pub(super) grant_frames: u32,
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
        self.publish_ports();
        Some(result)
    }

    fn channels(&self, domain: DomId) -> Option<&EventChannels> {
        (domain == self.channels.domain()).then_some(self.channels)
    }

    /// The one vCPU is on its way back into the guest, and finds its events there.
    fn notify(&mut self, notify: Notify) {
        match notify {
            Notify::Service(_, Service::Console) => {
                let moved = console::with_queues(|queues| queues.ring_event(self.memory));
                tell(self.channels, self.memory, Service::Console, moved);
                self.vcpu.serve_console();
            }
            Notify::Service(_, Service::Store) => self.serve_store(),
            Notify::Service(_, Service::Block) => self.serve_block(),
            Notify::Nobody | Notify::Vcpus(..) => {}
        }
    }
}

impl VcpuMachine<'_> {
    /// Shows the resident the records of ports that have changed.
    pub(super) fn publish_ports(&mut self) {
        let (memory, hole) = (&mut *self.memory, self.hole);
        self.channels.publish_changes(|port, record| {
            memory.publish(hole.port(port), record.as_bytes());
        });
    }
}

impl OwnState for VcpuMachine<'_> {
    type Memory = DomainMemory;

    fn memory(&mut self) -> &mut DomainMemory {
        self.memory
    }

    fn cr3(&self) -> u64 {
        self.vcpu.vmcs.read(field::GUEST_CR3).0
    }

    fn preempt(&mut self) -> bool {
        self.channels.has_deliverable(self.memory, self.vcpu.id) || interrupts::is_pending()
    }

    fn load_cr3(&mut self, table: Gpa) {
        // SAFETY: guest state cannot hurt anybody but the guest; the address is its memory's.
        unsafe { self.vcpu.vmcs.write(field::GUEST_CR3, Natural(table.0)) };
        self.flush_translations();
    }

    fn flush_translations(&mut self) {
        self.flush();
    }

    fn flush_page(&mut self, _: Gva) {
        self.flush();
    }

    fn load_ldt(&mut self, base: Gva, entries: u16) {
        setup::local_descriptors(&mut self.vcpu.vmcs, base, entries);
    }

    fn publish(&mut self, at: Gpa, bytes: &[u8]) {
        self.memory.publish(at, bytes);
    }
}

impl Machine for VcpuMachine<'_> {
    fn with_console<R>(&mut self, action: impl FnOnce(&mut ConsoleQueues) -> R) -> R {
        serve_ring(self.channels, self.memory);
        let result = console::with_queues(action);
        self.vcpu.serve_console();
        result
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

    fn set_sysenter(&mut self, entry: Option<EntryPoint>) {
        let selector = entry.map_or(0, |_| KERNEL_CS);
        let (rip, rsp) = entry.map_or((0, 0), |entry| (entry.rip.0, entry.rsp.0));
        let vmcs = &mut self.vcpu.vmcs;
        // SAFETY: guest state cannot hurt anybody but the guest.
        unsafe { vmcs.write(field::GUEST_SYSENTER_CS, u32::from(selector)) };
        // SAFETY: as above, and the address is canonical, as the CPU checks.
        unsafe { vmcs.write(field::GUEST_SYSENTER_EIP, Natural(rip)) };
        // SAFETY: as above.
        unsafe { vmcs.write(field::GUEST_SYSENTER_ESP, Natural(rsp)) };
    }

    fn clock(&self) -> Clock {
        self.vcpu.time
    }

    fn now_ns(&self) -> u64 {
        self.vcpu.now_ns()
    }

    fn arm(&mut self, deadline_ns: u64) {
        self.vcpu.arm(deadline_ns);
    }

    fn send_nmi(&mut self) {
        self.vcpu.nmi_pending = true;
    }

    fn frames(&mut self) -> &mut FrameSet {
        self.memory.frames()
    }

    fn publish_words(&mut self, at: Gpa, count: u64, word: impl Fn(u64) -> u64) {
        self.memory.write_words(at, count, word);
    }

    fn unmap_frames(&mut self, start: Gfn, count: u64) {
        self.memory.unmap(start, count);
        drop_ept_translations();
    }

    fn map_frames(&mut self, start: Gfn, count: u64) {
        if self.memory.map(start, count) {
            drop_ept_translations();
        }
    }

    fn scrub(&mut self, gfn: Gfn) {
        self.memory.scrub(gfn);
    }

    fn set_fpu_use(&mut self, fpu: FpuUse) {
        const TASK_SWITCHED: u64 = 1 << 3;
        let others = self.vcpu.vmcs.read(field::GUEST_CR0).0 & !TASK_SWITCHED;
        let bit = if fpu == FpuUse::Trapped { TASK_SWITCHED } else { 0 };
        // SAFETY: the guest owns the bit.
        unsafe { self.vcpu.vmcs.write(field::GUEST_CR0, Natural(others | bit)) };
    }

    fn set_segment_base(&mut self, base: SegmentBase, address: Gva) {
        let vmcs = &mut self.vcpu.vmcs;
        match base {
            // SAFETY: guest state cannot hurt anybody but the guest; the address is canonical.
            SegmentBase::Fs => unsafe { vmcs.write(field::GUEST_FS_BASE, Natural(address.0)) },
            // SAFETY: as above.
            SegmentBase::KernelGs => unsafe {
                vmcs.write(field::GUEST_GS_BASE, Natural(address.0));
            },
            SegmentBase::UserGs => {
                let mut other = Msr::new(msr::KERNEL_GS_BASE);
                // SAFETY: the MSR is the guest's while it runs, and the value is canonical.
                unsafe { other.write(address.0) };
            }
        }
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

    fn log(&mut self, line: core::fmt::Arguments<'_>) {
        log::info!("{line}");
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

/// Drops what the CPU has cached of EPT entries; a VMCS is current.
fn drop_ept_translations() {
    // SAFETY: a VMCS is current, so this is VMX operation; the form was required at the start.
    unsafe { instructions::invept_all() };
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
    tell(channels, memory, Service::Console, moved);
}

/// Sends an event through the port of a service if bytes have `moved` through its ring.
pub(super) fn tell(
    channels: &mut EventChannels,
    memory: &mut DomainMemory,
    service: Service,
    moved: bool,
) {
    if moved {
        // This vCPU is the one to be told, and it looks before it goes on.
        let _ = channels.raise_service(memory, service);
    }
}

impl Vcpu {
    /// Moves console bytes. While some wait for the line the clock's interrupt calls back, however
    /// often the guest exits meanwhile.
    pub(super) fn serve_console(&mut self) {
        if console::pump() {
            let now = self.now_ns();
            self.arm(now + PUMP_NS);
        }
    }
}
