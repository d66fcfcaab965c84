//! What the resident reports because it cannot go on itself.

use super::exits::{Next, RESUME};
use super::switch::GuestRegisters;
use super::vcpu::{Context, End};
use xenolith_core::address::{Gva, PAGE_SIZE};
use xenolith_core::bounce::{self, Interrupted, low16};
use xenolith_core::crash::CrashReason;
use xenolith_core::emulate::Exception;
use xenolith_core::guest_access::{Access, GuestSpace};
use xenolith_core::guest_memory::GuestMemory;
use xenolith_core::resident::{self, EVENT_VECTOR, Trap, VcpuData};
use xenolith_core::vmx::field;
use zerocopy::{FromBytes, FromZeros, IntoBytes};

/// The ring in a code selector.
const RING: u64 = 3;

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
    /// Handles a VMCALL of the resident that is not a hypercall; any other is #UD.
    pub(super) fn resident_call(&mut self, registers: &mut GuestRegisters) -> Next {
        let header = &self.domain.resident;
        let (fault, no_callback) = (u64::from(header.fault), u64::from(header.no_callback));
        let no_event = u64::from(header.no_event_callback);
        let nmi_iret = u64::from(header.nmi_iret);
        match self.resident_offset() {
            Some(offset) if offset == fault => self.resident_fault(registers),
            Some(offset) if offset == no_callback => self.system_call_undefined(registers),
            Some(offset) if offset == nmi_iret => self.nmi_iret(registers),
            Some(offset) if offset == no_event => self.leave(End::Crash(CrashReason::Resident {
                what: "an event arrived and the guest has no callback for events",
                vector: EVENT_VECTOR,
                address: Gva(0),
            })),
            Some(offset) if header.is_traced() => self.traced_entry(offset, registers),
            _ => self.raise(Exception::INVALID_OPCODE),
        }
    }

    /// A fault of the resident's IRETQ becomes the guest's, as if at the target; any other means
    /// that the guest's stack cannot be used, which ends the domain as on Xen.
    fn resident_fault(&mut self, registers: &mut GuestRegisters) -> Next {
        let vector = u8::try_from(registers.call.rcx / 16).unwrap_or(u8::MAX);
        let stack = Gva(self.vcpu.vmcs.read(field::GUEST_RSP).0);
        let unusable = |address| {
            let what = "the guest's stack cannot be used";
            End::Crash(CrashReason::Resident { what, vector, address })
        };
        let Ok(fault) = self.space().read::<FaultFrame>(stack) else {
            return self.leave(unusable(stack));
        };
        let offset = fault.rip.wrapping_sub(self.vcpu.resident);
        if !self.domain.resident.returns.map(u64::from).contains(&offset) {
            return self.leave(unusable(stack));
        }
        let Ok(target) = self.space().read::<ReturnFrame>(Gva(fault.rsp)) else {
            return self.leave(unusable(stack));
        };
        if self.state.handled.checked_shr(u32::from(vector)).unwrap_or(0) & 1 == 0 {
            return self.leave(End::Crash(CrashReason::Exception {
                vector,
                error_code: u32::try_from(fault.error_code).ok(),
                address: None,
            }));
        }
        // On the way to a process GS and mode are the process's already.
        let stack = if target.cs & RING != 0 {
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
            return self.leave(unusable(Gva(stack)));
        }
        RESUME
    }

    /// Enters the guest's handler of `vector` with a frame built here.
    pub(super) fn bounce(
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
        if trap.masks_events != 0 {
            self.set_mask(1);
        }
        self.set_rip(trap.handler);
        RESUME
    }

    pub(super) fn space(&mut self) -> GuestSpace<'_, crate::domain_memory::DomainMemory> {
        let cr3 = self.vcpu.vmcs.read(field::GUEST_CR3).0;
        GuestSpace::new(self.memory, cr3)
    }

    /// Returns whether nothing can be pushed at `stack` because it has left its pages at their lower
    /// end.
    pub(super) fn has_overflowed(&mut self, stack: Gva) -> bool {
        let pushed = Gva(stack.0.wrapping_sub(8)).page_base();
        let above = Gva(pushed.0.wrapping_add(PAGE_SIZE));
        let mut space = self.space();
        let mut usable = |page| space.translate(page, Access::Write).is_ok();
        !usable(pushed) && usable(above)
    }

    /// Returns what the resident keeps; all of it is the guest's claim.
    pub(super) fn data(&self) -> VcpuData {
        let mut data = VcpuData::new_zeroed();
        self.memory.read(self.domain.hole.data(), data.as_mut_bytes());
        data
    }

    fn trap(&self, vector: u8) -> Trap {
        let mut trap = Trap::default();
        self.memory.read(self.domain.hole.trap(vector), trap.as_mut_bytes());
        trap
    }
}
