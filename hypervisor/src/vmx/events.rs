//! Events and exceptions on their way into a guest.

use super::exits::{Next, RESUME};
use super::setup::SYSCALL_CLEARS;
use super::vcpu::{Context, End};
use core::arch::asm;
use x86_64::registers::debug::Dr6;
use x86_64::registers::model_specific::Msr;
use xenolith_core::address::{Gpa, to_u64};
use xenolith_core::crash::CrashReason;
use xenolith_core::delivery::{self, Delivery, Place, Waiting};
use xenolith_core::emulate::{Exception, msr};
use xenolith_core::guest_memory::GuestMemory;
use xenolith_core::resident::{self, EVENT_VECTOR, MAX_TEXT_BYTES, Restart, VcpuData};
use xenolith_core::vmx::field::{self, Natural};

const VALID: u32 = 1 << 31;
const HARDWARE_EXCEPTION: u32 = 3 << 8;
const HAS_ERROR_CODE: u32 = 1 << 11;
const DEBUG: u8 = 1;
const NMI: u8 = 2;
/// DR6: B0 to B3, BD, BS.
const CONDITIONS: u64 = 0x600f;
/// DR7: general detect.
const GENERAL_DETECT: u64 = 1 << 13;

impl Context<'_> {
    /// Lets a deliverable event reach the guest: by injection, or inside the resident by sending
    /// the vCPU back to its last question.
    pub(super) fn deliver(&mut self) {
        if self.vcpu.vmcs.read(field::ENTRY_INTERRUPTION_INFO) & VALID == 0 {
            self.deliver_waiting();
        }
        self.vcpu.retry_nmi();
    }

    fn deliver_waiting(&mut self) {
        let vcpu_info = self.memory.read_word(self.state.vcpu_info).unwrap_or(0);
        let waiting = Waiting { vcpu_info, nmi: self.vcpu.has_nmi() };
        if waiting.is_nothing() {
            return self.set_monitor_trap(false);
        }
        let place = match self.resident_offset() {
            None => Place::Guest,
            Some(offset) => Place::Resident(self.domain.resident.restart_at(offset).copied()),
        };
        let held_back = self.vcpu.monitor_trap.exists() && self.is_behind_mov_ss();
        let delivery = match delivery::next(waiting, place, held_back) {
            Delivery::Nmi if !self.take_nmi() => {
                delivery::next(Waiting { nmi: false, ..waiting }, place, held_back)
            }
            delivery => delivery,
        };
        self.set_monitor_trap(delivery == Delivery::AfterInstruction);
        match delivery {
            Delivery::Nothing | Delivery::AfterInstruction => {}
            Delivery::Nmi => self.inject(NMI, None),
            Delivery::Event => self.inject(EVENT_VECTOR, None),
            Delivery::AskAgain(restart) => self.rewind(restart),
        }
    }

    fn set_monitor_trap(&mut self, on: bool) {
        self.vcpu.monitor_trap.set(&mut self.vcpu.vmcs, on);
    }

    /// Returns whether the last instruction holds interrupts back for one more.
    fn is_behind_mov_ss(&self) -> bool {
        const BLOCKING_BY_MOV_SS: u32 = 1 << 1;
        self.vcpu.vmcs.read(field::GUEST_INTERRUPTIBILITY) & BLOCKING_BY_MOV_SS != 0
    }

    /// Lets the resident go on without what it wanted to read, if `vector` was raised where it reads
    /// through a pointer of the guest's.
    pub(super) fn fix_up(&mut self, vector: u8) -> bool {
        let Some(offset) = self.resident_offset() else { return false };
        let Some(target) = self.domain.resident.fixup_at(offset, vector) else { return false };
        self.set_rip(self.vcpu.resident + u64::from(target));
        true
    }

    /// Returns how far into the resident's code the instruction pointer is, if it is there.
    pub(super) fn resident_offset(&self) -> Option<u64> {
        /// The privilege level, in the access rights of SS.
        const PRIVILEGE: u32 = 3 << 5;
        let rip = self.vcpu.vmcs.read(field::GUEST_RIP).0;
        let offset = rip.wrapping_sub(self.vcpu.resident);
        // A process that jumps there is still a process: its fetch faults.
        let is_kernel = || self.vcpu.vmcs.read(field::GUEST_SS_ACCESS_RIGHTS) & PRIVILEGE == 0;
        (offset < MAX_TEXT_BYTES && is_kernel()).then_some(offset)
    }

    fn rewind(&mut self, restart: Restart) {
        let stack = self.vcpu.vmcs.read(field::GUEST_RSP).0;
        self.set_rsp(stack.wrapping_sub(restart.undo.stack_bytes()));
        if restart.undo.mode() {
            self.set_mode(resident::KERNEL);
        }
        if restart.undo.swapgs() {
            self.swap_gs();
        }
        if restart.undo.flags() {
            let flags = self.vcpu.vmcs.read(field::GUEST_RFLAGS).0 & !SYSCALL_CLEARS;
            // SAFETY: guest state cannot hurt anybody but the guest.
            unsafe { self.vcpu.vmcs.write(field::GUEST_RFLAGS, Natural(flags)) };
        }
        self.set_rip(self.vcpu.resident + u64::from(restart.target));
    }

    /// Delivers `exception` to the guest's handler; without one the domain ends.
    pub(super) fn raise(&mut self, exception: Exception) -> Next {
        let Exception { vector, error_code, address } = exception;
        if self.state.handled >> vector & 1 == 0 {
            return self.leave(End::Crash(CrashReason::Exception { vector, error_code, address }));
        }
        if let Some(address) = address {
            // SAFETY: CR2 is the guest's while it runs; the hypervisor takes no page faults.
            unsafe { asm!("mov cr2, {}", in(reg) address.0, options(nomem, nostack)) };
        }
        self.inject(vector, error_code);
        RESUME
    }

    /// Passes a debug exception on, with the bits of DR6 that the CPU has not set yet.
    ///
    /// One that belongs to the resident's way out, because the guest steps, is left for the
    /// instruction behind it. Any other in the resident is dropped: what a process's MOV to SS held
    /// back over SYSCALL must not enter the kernel on the process's stack, with its GS.
    pub(super) fn debug_exception(&mut self, conditions: u64) -> Next {
        const SINGLE_STEP: u64 = 1 << 14;
        let is_step = conditions & SINGLE_STEP != 0;
        let tail = self.domain.resident.hypercall_tail;
        if let Some(offset) = self.resident_offset() {
            if is_step && (u64::from(tail.0)..u64::from(tail.1)).contains(&offset) {
                let data = self.data();
                self.set_rip(data.return_rip);
                self.set_rsp(data.stack);
            } else {
                self.resume_over_breakpoint();
            }
            return RESUME;
        }
        let status = Dr6::read_raw() | conditions & CONDITIONS;
        // SAFETY: DR6 is the guest's while it runs; root mode has no breakpoints.
        unsafe { asm!("mov dr6, {}", in(reg) status, options(nomem, nostack)) };
        let control = self.vcpu.vmcs.read(field::GUEST_DR7).0 & !GENERAL_DETECT;
        // SAFETY: guest state cannot hurt anybody but the guest.
        unsafe { self.vcpu.vmcs.write(field::GUEST_DR7, Natural(control)) };
        self.raise(Exception { vector: DEBUG, error_code: None, address: None })
    }

    /// Keeps a breakpoint on the next instruction from stopping it again.
    fn resume_over_breakpoint(&mut self) {
        const RESUME_FLAG: u64 = 1 << 16;
        let flags = self.vcpu.vmcs.read(field::GUEST_RFLAGS).0 | RESUME_FLAG;
        // SAFETY: guest state cannot hurt anybody but the guest.
        unsafe { self.vcpu.vmcs.write(field::GUEST_RFLAGS, Natural(flags)) };
    }

    fn inject(&mut self, vector: u8, error_code: Option<u32>) {
        let mut information = VALID | HARDWARE_EXCEPTION | u32::from(vector);
        if let Some(code) = error_code {
            information |= HAS_ERROR_CODE;
            // SAFETY: what is injected cannot hurt anybody but the guest.
            unsafe { self.vcpu.vmcs.write(field::ENTRY_EXCEPTION_ERROR_CODE, code) };
        }
        // SAFETY: as above; vector and error code go together as the CPU checks.
        unsafe { self.vcpu.vmcs.write(field::ENTRY_INTERRUPTION_INFO, information) };
    }

    pub(super) fn set_mode(&mut self, mode: u8) {
        let at = self.domain.hole.data().0 + to_u64(core::mem::offset_of!(VcpuData, mode));
        self.memory.publish(Gpa(at), &[mode]);
    }

    pub(super) fn set_mask(&mut self, mask: u8) {
        self.memory.write(Gpa(self.state.vcpu_info.0 + 1), &[mask]);
    }

    pub(super) fn set_rsp(&mut self, rsp: u64) {
        // SAFETY: guest state cannot hurt anybody but the guest.
        unsafe { self.vcpu.vmcs.write(field::GUEST_RSP, Natural(rsp)) };
    }

    pub(super) fn swap_gs(&mut self) {
        let mut other = Msr::new(msr::KERNEL_GS_BASE);
        // SAFETY: the MSR exists in every 64-bit CPU.
        let kernel = unsafe { other.read() };
        let user = self.vcpu.vmcs.read(field::GUEST_GS_BASE).0;
        // SAFETY: the MSR is the guest's while it runs, and the value is canonical: it was a base.
        unsafe { other.write(user) };
        // SAFETY: guest state cannot hurt anybody but the guest.
        unsafe { self.vcpu.vmcs.write(field::GUEST_GS_BASE, Natural(kernel)) };
    }
}
