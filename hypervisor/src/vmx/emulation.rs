//! Instructions that leave the guest: registers are fetched, `core` decides, registers are put back.

use super::exits::{Next, RESUME};
use super::switch::GuestRegisters;
use super::vcpu::Context;
use crate::cpu::features;
use x86_64::registers::{control::Cr4, xcontrol::XCr0};
use xenolith_core::address::{Gva, to_u64};
use xenolith_core::emulate::control_register::{self as cr, Register};
use xenolith_core::emulate::forced::FORCED_CPUID;
use xenolith_core::emulate::port::{self, StringAccess};
use xenolith_core::emulate::{Exception, cpuid, msr, xcr0};
use xenolith_core::guest_access::GuestSpace;
use xenolith_core::guest_memory::GuestMemory;
use xenolith_core::hypercall_page;
use xenolith_core::vmx::field::{self, Field, Natural, ReadWrite};
use xenolith_core::vmx::qualification::{
    ControlRegisterAccess, PortAccess, code_address_mask, privilege, string_address_mask,
};

const RFLAGS_DIRECTION: u64 = 1 << 10;
/// CPUID leaf of the extended state.
const EXTENDED_STATE: u32 = 0xd;
type Rw = Field<Natural, ReadWrite>;
/// CR0: its field, its shadow, and what the guest owns of it.
const CR0: (Rw, Rw, u64) = (field::GUEST_CR0, field::CR0_SHADOW, cr::CR0_GUEST_OWNED);
/// CR4, likewise.
const CR4: (Rw, Rw, u64) = (field::GUEST_CR4, field::CR4_SHADOW, cr::CR4_GUEST_OWNED);

/// Returns bits 31:0.
#[expect(clippy::cast_possible_truncation, reason = "the low half is what is wanted")]
const fn low(value: u64) -> u32 {
    value as u32
}

/// Returns XCR0, or 0 without XSAVE. Root's own CR4 knows (`root`): to ask the CPU would cost more
/// than all the rest of this exit.
fn xcr0() -> u64 {
    let has_xsave = Cr4::read_raw() & cr::CR4_OSXSAVE != 0;
    if has_xsave { XCr0::read_raw() } else { 0 }
}

impl Context<'_> {
    /// Puts what the guest sees of CPUID into its registers.
    pub(super) fn cpuid(&mut self, registers: &mut GuestRegisters) {
        let view = cpuid::View {
            vcpu: self.vcpu.id.0,
            osxsave: self.shown(CR4) & cr::CR4_OSXSAVE != 0,
            xcr0: xcr0(),
            rdtscp: self.vcpu.works.rdtscp,
            xsavec: self.vcpu.works.xsavec,
            tsc_khz: self.vcpu.clock.tsc_khz,
            max_gfn: self.domain.max_gfn,
        };
        let (leaf, subleaf) = (low(registers.call.rax), low(registers.call.rcx));
        let [a, b, c, d] = cpuid::filter(leaf, subleaf, &view, features::raw).map(u64::from);
        (registers.call.rax, registers.rbx, registers.call.rcx, registers.call.rdx) = (a, b, c, d);
    }

    /// Executes CPUID behind the prefix that asks for it, if that is what is at rip and has raised
    /// #UD.
    pub(super) fn forced_cpuid(&mut self, registers: &mut GuestRegisters) -> bool {
        let vmcs = &self.vcpu.vmcs;
        let privilege = privilege(vmcs.read(field::GUEST_SS_ACCESS_RIGHTS));
        let (rip, cr3) = (vmcs.read(field::GUEST_RIP).0, vmcs.read(field::GUEST_CR3).0);
        let mut bytes = [0; FORCED_CPUID.len()];
        let mut space = GuestSpace::new(self.memory, cr3).with_privilege(privilege);
        if space.copy_in(Gva(rip), &mut bytes).is_err() || bytes != FORCED_CPUID {
            return false;
        }
        self.cpuid(registers);
        self.skip_bytes(to_u64(bytes.len()));
        true
    }

    pub(super) fn read_msr(&mut self, registers: &mut GuestRegisters) -> Next {
        match msr::read(low(registers.call.rcx)) {
            Ok(value) => {
                registers.call.rax = u64::from(low(value));
                registers.call.rdx = value >> 32;
                self.skip()
            }
            Err(exception) => {
                let number = low(registers.call.rcx);
                self.refuse(exception, format_args!("RDMSR of {number:#x}"))
            }
        }
    }

    pub(super) fn write_msr(&mut self, registers: &mut GuestRegisters) -> Next {
        let value = registers.call.rdx << 32 | u64::from(low(registers.call.rax));
        match msr::write(low(registers.call.rcx), value) {
            Ok(msr::Write::Ignore) => self.skip(),
            Ok(msr::Write::HypercallPage(frame)) => {
                let page = frame.gpa().filter(|_| frame.0 < self.domain.memory_pages);
                match page {
                    Some(page) if self.memory.write(page, &hypercall_page::contents()) => {
                        self.skip()
                    }
                    _ => self.raise(Exception::GENERAL_PROTECTION),
                }
            }
            Err(exception) => {
                let number = low(registers.call.rcx);
                self.refuse(exception, format_args!("WRMSR of {value:#x} to {number:#x}"))
            }
        }
    }

    pub(super) fn xsetbv(&mut self, registers: &mut GuestRegisters) -> Next {
        let value = registers.call.rdx << 32 | u64::from(low(registers.call.rax));
        let [low_supported, _, _, high_supported] = features::raw(EXTENDED_STATE, 0);
        let supported = u64::from(high_supported) << 32 | u64::from(low_supported);
        let privilege = privilege(self.vcpu.vmcs.read(field::GUEST_SS_ACCESS_RIGHTS));
        match xcr0::check(privilege, low(registers.call.rcx), value, supported) {
            Ok(value) => {
                // SAFETY: the hypervisor uses none of these components, and `core` has checked
                // that the CPU takes the value.
                unsafe { XCr0::write_raw(value) };
                self.skip()
            }
            Err(exception) => self.refuse(exception, format_args!("XSETBV of {value:#x}")),
        }
    }

    pub(super) fn control_register(&mut self, registers: &mut GuestRegisters) -> Next {
        let qualification = self.vcpu.vmcs.read(field::EXIT_QUALIFICATION).0;
        let (register, fields, value) = match ControlRegisterAccess::decode(qualification) {
            ControlRegisterAccess::Write { register: 0, source } => {
                ("CR0", CR0, self.general(registers, source))
            }
            ControlRegisterAccess::Write { register: 4, source } => {
                ("CR4", CR4, self.general(registers, source))
            }
            ControlRegisterAccess::LoadMachineStatus(bits) => {
                ("CR0", CR0, self.shown(CR0) & !0xe | u64::from(bits & 0xf))
            }
            _ => return self.raise(Exception::GENERAL_PROTECTION),
        };
        match self.write_control(fields, value) {
            Ok(()) => self.skip(),
            Err(exception) => {
                self.refuse(exception, format_args!("a move of {value:#x} to {register}"))
            }
        }
    }

    /// Returns what the guest reads from a control register.
    fn shown(&self, (real, shadow, owned): (Rw, Rw, u64)) -> u64 {
        let vmcs = &self.vcpu.vmcs;
        vmcs.read(real).0 & owned | vmcs.read(shadow).0 & !owned
    }

    fn write_control(&mut self, fields: (Rw, Rw, u64), value: u64) -> Result<(), Exception> {
        let (real, shadow, guest_owned) = fields;
        let shown = Register { shown: self.shown(fields), guest_owned }.write(value)?;
        let kept = self.vcpu.vmcs.read(real).0 & !guest_owned;
        // SAFETY: only bits that the guest owns change.
        unsafe { self.vcpu.vmcs.write(real, Natural(kept | shown & guest_owned)) };
        // SAFETY: what the guest reads cannot hurt anybody but the guest.
        unsafe { self.vcpu.vmcs.write(shadow, Natural(shown)) };
        Ok(())
    }

    /// Returns the general register that exit qualifications number `number`.
    fn general(&self, registers: &GuestRegisters, number: u8) -> u64 {
        let (r, c) = (registers, &registers.call);
        let by_number = [
            c.rax, c.rcx, c.rdx, r.rbx, 0, r.rbp, c.rsi, c.rdi, c.r8, c.r9, c.r10, c.r11, r.r12,
            r.r13, r.r14, r.r15,
        ];
        match number & 0xf {
            4 => self.vcpu.vmcs.read(field::GUEST_RSP).0,
            number => by_number[usize::from(number)],
        }
    }

    pub(super) fn port_access(&mut self, registers: &mut GuestRegisters) -> Next {
        let access = PortAccess::decode(self.vcpu.vmcs.read(field::EXIT_QUALIFICATION).0);
        if access.string {
            return self.port_string(registers, access);
        }
        if access.input {
            registers.call.rax = port::read(registers.call.rax, access.bytes);
        }
        self.skip()
    }

    fn port_string(&mut self, registers: &mut GuestRegisters, access: PortAccess) -> Next {
        let rights = self.vcpu.vmcs.read(field::GUEST_CS_ACCESS_RIGHTS);
        if code_address_mask(rights) != u64::MAX {
            // The segments of 32-bit code have bases and limits, of which nothing here knows.
            return self.raise(Exception::GENERAL_PROTECTION);
        }
        let privilege = privilege(self.vcpu.vmcs.read(field::GUEST_SS_ACCESS_RIGHTS));
        let cr3 = self.vcpu.vmcs.read(field::GUEST_CR3).0;
        let flags = self.vcpu.vmcs.read(field::GUEST_RFLAGS).0;
        let information = self.vcpu.vmcs.read(field::EXIT_INSTRUCTION_INFO);
        let index = if access.input { &mut registers.call.rdi } else { &mut registers.call.rsi };
        let string = StringAccess {
            bytes: access.bytes,
            input: access.input,
            repeated: access.repeated,
            backwards: flags & RFLAGS_DIRECTION != 0,
            address_mask: string_address_mask(information),
            count: registers.call.rcx,
            index: *index,
        };
        let mut space = GuestSpace::new(self.memory, cr3).with_privilege(privilege);
        let progress = match string.step(&mut space) {
            Ok(progress) => progress,
            Err(exception) => return self.raise(exception),
        };
        *index = progress.index;
        registers.call.rcx = progress.count;
        if progress.finished { self.skip() } else { RESUME }
    }
}
