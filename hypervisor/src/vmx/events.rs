//! Events and exceptions on their way into a guest.

use super::exits::{Next, RESUME};
use super::switch::GuestRegisters;
use super::vcpu::{Context, End};
use core::arch::asm;
use x86_64::registers::debug::Dr6;
use x86_64::registers::model_specific::Msr;
use xenolith_core::address::{Gpa, Gva, to_u64};
use xenolith_core::bounce::{self, Interrupted};
use xenolith_core::crash::CrashReason;
use xenolith_core::emulate::{Exception, msr};
use xenolith_core::guest_access::GuestSpace;
use xenolith_core::guest_memory::GuestMemory;
use xenolith_core::resident::{self, EVENT_VECTOR, MAX_TEXT_BYTES, Restart, Trap, VcpuData};
use xenolith_core::vmx::field::{self, Natural};
use zerocopy::{FromBytes, FromZeros, IntoBytes};

const VALID: u32 = 1 << 31;
const HARDWARE_EXCEPTION: u32 = 3 << 8;
const HAS_ERROR_CODE: u32 = 1 << 11;
const DEBUG: u8 = 1;
const NMI: u8 = 2;
/// DR6: B0 to B3, BD, BS.
const CONDITIONS: u64 = 0x600f;
/// DR7: general detect.
const GENERAL_DETECT: u64 = 1 << 13;

/// What a fault in the resident leaves on the stack: what its stub pushed, and what the CPU did.
#[derive(Debug, FromBytes, IntoBytes)]
#[repr(C)]
struct FaultFrame {
    rcx: u64,
    r11: u64,
    error_code: u64,
    rip: u64,
    cs: u64,
    rflags: u64,
    rsp: u64,
    ss: u64,
}

/// What IRETQ takes from the stack.
#[derive(Debug, FromBytes, IntoBytes)]
#[repr(C)]
struct ReturnFrame {
    rip: u64,
    cs: u64,
    rflags: u64,
    rsp: u64,
    ss: u64,
}

impl Context<'_> {
    /// Lets a deliverable event reach the guest: by injection, or inside the resident by sending
    /// the vCPU back to its last question.
    pub(super) fn deliver(&mut self) {
        if self.vcpu.vmcs.read(field::ENTRY_INTERRUPTION_INFO) & VALID != 0 {
            return;
        }
        if self.vcpu.nmi_pending && self.resident_offset().is_none() {
            self.vcpu.nmi_pending = false;
            if self.state.handled >> NMI & 1 != 0 {
                return self.inject(NMI, None);
            }
        }
        let word = self.memory.read_word(self.state.vcpu_info).unwrap_or(0);
        let [pending, mask, ..] = word.to_le_bytes();
        if pending == 0 || mask != 0 {
            return;
        }
        match self.resident_offset() {
            None => self.inject(EVENT_VECTOR, None),
            Some(offset) => {
                if let Some(&restart) = self.domain.resident.restart_at(offset) {
                    self.rewind(restart);
                }
            }
        }
    }

    /// Returns how far into the resident's code the instruction pointer is, if it is there.
    fn resident_offset(&self) -> Option<u64> {
        let rip = self.vcpu.vmcs.read(field::GUEST_RIP).0;
        let offset = rip.wrapping_sub(self.vcpu.resident);
        (offset < MAX_TEXT_BYTES).then_some(offset)
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
        let tail = self.domain.resident.hypercall_tail;
        if let Some(offset) = self.resident_offset() {
            if (u64::from(tail.0)..u64::from(tail.1)).contains(&offset) {
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

    /// Handles a VMCALL of the resident that is not a hypercall; any other is #UD.
    pub(super) fn resident_call(&mut self, registers: &mut GuestRegisters) -> Next {
        let header = &self.domain.resident;
        let (fault, no_callback) = (u64::from(header.fault), u64::from(header.no_callback));
        let no_event = u64::from(header.no_event_callback);
        match self.resident_offset() {
            Some(offset) if offset == fault => self.resident_fault(registers),
            Some(offset) if offset == no_callback => self.system_call_undefined(registers),
            Some(offset) if offset == no_event => self.leave(End::Crash(CrashReason::Resident {
                what: "an event arrived and the guest has no callback for events",
                vector: EVENT_VECTOR,
                address: Gva(0),
            })),
            _ => self.raise(Exception::INVALID_OPCODE),
        }
    }

    /// A fault of the resident's IRETQ becomes the guest's, as if at the target; any other means
    /// that the guest's stack cannot be used, which ends the domain as on Xen.
    fn resident_fault(&mut self, registers: &mut GuestRegisters) -> Next {
        let vector = u8::try_from(registers.call.rcx / 16).unwrap_or(u8::MAX);
        let stack = Gva(self.vcpu.vmcs.read(field::GUEST_RSP).0);
        let unusable = End::Crash(CrashReason::Resident {
            what: "the guest's stack cannot be used",
            vector,
            address: stack,
        });
        let Ok(fault) = self.space().read::<FaultFrame>(stack) else { return self.leave(unusable) };
        let offset = fault.rip.wrapping_sub(self.vcpu.resident);
        let [to_kernel, to_user] = self.domain.resident.returns.map(u64::from);
        if offset != to_kernel && offset != to_user {
            return self.leave(unusable);
        }
        let Ok(target) = self.space().read::<ReturnFrame>(Gva(fault.rsp)) else {
            return self.leave(unusable);
        };
        if self.state.handled.checked_shr(u32::from(vector)).unwrap_or(0) & 1 == 0 {
            return self.leave(End::Crash(CrashReason::Exception {
                vector,
                error_code: u32::try_from(fault.error_code).ok(),
                address: None,
            }));
        }
        let stack = if offset == to_user {
            self.set_mode(resident::KERNEL);
            self.swap_gs();
            self.data().kernel_sp
        } else {
            target.rsp
        };
        let at = Interrupted {
            rip: target.rip,
            cs: low16(target.cs),
            rflags: target.rflags,
            rsp: target.rsp,
            ss: low16(target.ss),
            rcx: fault.rcx,
            r11: fault.r11,
        };
        let code = u32::try_from(fault.error_code).ok();
        if self.bounce(&at, stack, vector, code, registers).is_err() {
            return self.leave(unusable);
        }
        RESUME
    }

    /// Enters the guest's handler of `vector` with a frame built here.
    fn bounce(
        &mut self,
        at: &Interrupted,
        stack: u64,
        vector: u8,
        code: Option<u32>,
        registers: &mut GuestRegisters,
    ) -> Result<(), xenolith_core::guest_access::Fault> {
        let trap = self.trap(vector);
        let word = self.memory.read_word(self.state.vcpu_info).unwrap_or(0);
        let entry = bounce::enter(at, stack, word.to_le_bytes()[1], code, trap);
        self.space().copy_out(Gva(entry.rsp), entry.words.as_bytes())?;
        self.set_mask(entry.mask);
        self.set_rsp(entry.rsp);
        self.set_rip(trap.handler);
        (registers.call.rcx, registers.call.r11) = (at.rcx, at.r11);
        Ok(())
    }

    /// A system call of a process whose kernel has no callback: #UD at the instruction. The
    /// resident has built the frame.
    fn system_call_undefined(&mut self, registers: &mut GuestRegisters) -> Next {
        const INVALID_OPCODE: u8 = 6;
        const SYSCALL_BYTES: u64 = 2;
        const RIP_IN_FRAME: u64 = 16;
        if self.state.handled >> INVALID_OPCODE & 1 == 0 {
            return self.raise(Exception::INVALID_OPCODE);
        }
        let stack = self.vcpu.vmcs.read(field::GUEST_RSP).0;
        let rip = registers.call.rcx.wrapping_sub(SYSCALL_BYTES);
        let place = Gva(stack.wrapping_add(RIP_IN_FRAME));
        if self.space().copy_out(place, &rip.to_le_bytes()).is_err() {
            return self.raise(Exception::INVALID_OPCODE);
        }
        let trap = self.trap(INVALID_OPCODE);
        if trap.flags & 4 != 0 {
            self.set_mask(1);
        }
        self.set_rip(trap.handler);
        RESUME
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

    fn space(&mut self) -> GuestSpace<'_, crate::domain_memory::DomainMemory> {
        let cr3 = self.vcpu.vmcs.read(field::GUEST_CR3).0;
        GuestSpace::new(self.memory, cr3)
    }

    /// Returns what the resident keeps; all of it is the guest's claim.
    fn data(&self) -> VcpuData {
        let mut data = VcpuData::new_zeroed();
        self.memory.read(self.domain.hole.data(), data.as_mut_bytes());
        data
    }

    fn trap(&self, vector: u8) -> Trap {
        let mut trap = Trap::default();
        self.memory.read(self.domain.hole.trap(vector), trap.as_mut_bytes());
        trap
    }

    fn set_mode(&mut self, mode: u8) {
        let at = self.domain.hole.data().0 + to_u64(core::mem::offset_of!(VcpuData, mode));
        self.memory.publish(Gpa(at), &[mode]);
    }

    fn set_mask(&mut self, mask: u8) {
        self.memory.write(Gpa(self.state.vcpu_info.0 + 1), &[mask]);
    }

    fn set_rsp(&mut self, rsp: u64) {
        // SAFETY: guest state cannot hurt anybody but the guest.
        unsafe { self.vcpu.vmcs.write(field::GUEST_RSP, Natural(rsp)) };
    }

    fn swap_gs(&mut self) {
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

fn low16(word: u64) -> u16 {
    let [a, b, ..] = word.to_le_bytes();
    u16::from_le_bytes([a, b])
}
