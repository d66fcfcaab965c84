//! The state of a vCPU that does not run, in the terms of `core`.

use super::switch::GuestRegisters;
use super::vcpu::Vcpu;
use crate::domain_memory::DomainMemory;
use arrayvec::ArrayVec;
use x86_64::registers::control::Cr2;
use xenolith_core::address::Gva;
use xenolith_core::crash::{MAX_CALLERS, RegisterDump};
use xenolith_core::frame_walk::{Record, walk};
use xenolith_core::guest_access::GuestSpace;
use xenolith_core::vmx::field;

impl Vcpu {
    /// Returns the vCPU's registers and the bytes at its instruction pointer.
    pub(crate) fn dump(&self, memory: &mut DomainMemory) -> RegisterDump {
        let vmcs = &self.vmcs;
        let rip = vmcs.read(field::GUEST_RIP).0;
        let cr3 = vmcs.read(field::GUEST_CR3).0;
        RegisterDump {
            general: general(&self.registers, vmcs.read(field::GUEST_RSP).0),
            rip,
            rflags: vmcs.read(field::GUEST_RFLAGS).0,
            selectors: [
                vmcs.read(field::GUEST_CS_SELECTOR),
                vmcs.read(field::GUEST_SS_SELECTOR),
                vmcs.read(field::GUEST_DS_SELECTOR),
                vmcs.read(field::GUEST_ES_SELECTOR),
                vmcs.read(field::GUEST_FS_SELECTOR),
                vmcs.read(field::GUEST_GS_SELECTOR),
            ],
            bases: [vmcs.read(field::GUEST_FS_BASE).0, vmcs.read(field::GUEST_GS_BASE).0],
            control: [
                vmcs.read(field::GUEST_CR0).0,
                Cr2::read_raw(),
                cr3,
                vmcs.read(field::CR4_SHADOW).0 & vmcs.read(field::CR4_MASK).0
                    | vmcs.read(field::GUEST_CR4).0 & !vmcs.read(field::CR4_MASK).0,
            ],
            code: code_at(rip, &mut GuestSpace::new(memory, cr3)),
            callers: self.callers(&mut GuestSpace::new(memory, cr3)),
        }
    }
}

impl Vcpu {
    /// Returns what looks like return addresses on the kernel's stack. Of a process there are none:
    /// its stack is its own affair.
    fn callers(&self, space: &mut GuestSpace<'_, DomainMemory>) -> ArrayVec<u64, MAX_CALLERS> {
        const RING: u16 = 3;
        if self.vmcs.read(field::GUEST_CS_SELECTOR) & RING != 0 {
            return ArrayVec::new();
        }
        let record = |at| space.read::<Record>(Gva(at)).ok();
        walk(self.registers.rbp, record).take(MAX_CALLERS).collect()
    }
}

fn general(registers: &GuestRegisters, rsp: u64) -> [u64; 16] {
    let (r, c) = (registers, &registers.call);
    [
        c.rax, r.rbx, c.rcx, c.rdx, c.rsi, c.rdi, r.rbp, rsp, c.r8, c.r9, c.r10, c.r11, r.r12,
        r.r13, r.r14, r.r15,
    ]
}

fn code_at(rip: u64, space: &mut GuestSpace<'_, DomainMemory>) -> ArrayVec<u8, 16> {
    let mut code = ArrayVec::new();
    while !code.is_full() {
        let mut byte = [0];
        let at = Gva(rip.wrapping_add(xenolith_core::address::to_u64(code.len())));
        if space.copy_in(at, &mut byte).is_err() {
            break;
        }
        code.push(byte[0]);
    }
    code
}
