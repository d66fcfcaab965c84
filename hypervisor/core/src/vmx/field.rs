//! The fields of a VMCS (SDM 3D, "Field Encoding in VMCS").
//!
//! Width and access are part of a field's type and are checked against its encoding at compile
//! time, so that a 16-bit selector cannot be written with 64 bits or an exit field written at all.

use core::marker::PhantomData;

/// A value that a field can hold, with the width code that the field's encoding must have.
pub trait Width: Copy {
    /// Bits 14:13 of the encoding.
    const CODE: u32;
    /// Returns the value as VMWRITE takes it.
    fn to_raw(self) -> u64;
    /// Returns the value that VMREAD gave.
    fn from_raw(raw: u64) -> Self;
}

/// A value of natural width: 64 bits here.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[repr(transparent)]
pub struct Natural(pub u64);

impl Width for u16 {
    const CODE: u32 = 0;
    fn to_raw(self) -> u64 {
        u64::from(self)
    }
    #[expect(clippy::cast_possible_truncation, reason = "VMREAD gives 0 in the upper bits")]
    fn from_raw(raw: u64) -> Self {
        raw as Self
    }
}

impl Width for u64 {
    const CODE: u32 = 1;
    fn to_raw(self) -> u64 {
        self
    }
    fn from_raw(raw: u64) -> Self {
        raw
    }
}

impl Width for u32 {
    const CODE: u32 = 2;
    fn to_raw(self) -> u64 {
        u64::from(self)
    }
    #[expect(clippy::cast_possible_truncation, reason = "VMREAD gives 0 in the upper bits")]
    fn from_raw(raw: u64) -> Self {
        raw as Self
    }
}

impl Width for Natural {
    const CODE: u32 = 3;
    fn to_raw(self) -> u64 {
        self.0
    }
    fn from_raw(raw: u64) -> Self {
        Self(raw)
    }
}

/// Marks fields that software may write.
#[derive(Clone, Copy, Debug)]
pub struct ReadWrite;

/// Marks fields that only a VM exit writes.
#[derive(Clone, Copy, Debug)]
pub struct ReadOnly;

/// One field with values of type `T`.
#[derive(Debug)]
pub struct Field<T, A> {
    encoding: u32,
    _type: PhantomData<(T, A)>,
}

impl<T, A> Clone for Field<T, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, A> Copy for Field<T, A> {}

impl<T, A> Field<T, A> {
    /// Returns the operand of VMREAD and VMWRITE.
    pub const fn encoding(self) -> u32 {
        self.encoding
    }
}

const fn check(encoding: u32, width_code: u32, read_only: bool) {
    assert!((encoding >> 13) & 3 == width_code, "the type does not match the field's width");
    assert!(((encoding >> 10) & 3 == 1) == read_only, "the access does not match the field's type");
    assert!(encoding & 1 == 0, "name the whole field, not its high half");
    assert!(encoding >> 15 == 0, "not a field encoding");
}

impl<T: Width> Field<T, ReadWrite> {
    const fn rw(encoding: u32) -> Self {
        check(encoding, T::CODE, false);
        Self { encoding, _type: PhantomData }
    }
}

impl<T: Width> Field<T, ReadOnly> {
    const fn ro(encoding: u32) -> Self {
        check(encoding, T::CODE, true);
        Self { encoding, _type: PhantomData }
    }
}

macro_rules! fields {
    ($access:ident $make:ident $type:ty: $($(#[$doc:meta])* $name:ident = $encoding:literal;)*) => {$(
        $(#[$doc])*
        pub const $name: Field<$type, $access> = Field::$make($encoding);
    )*};
}

fields! { ReadWrite rw u16:
    /// Virtual-processor identifier.
    VPID = 0x0000;
    /// Guest ES selector.
    GUEST_ES_SELECTOR = 0x0800;
    /// Guest CS selector.
    GUEST_CS_SELECTOR = 0x0802;
    /// Guest SS selector.
    GUEST_SS_SELECTOR = 0x0804;
    /// Guest DS selector.
    GUEST_DS_SELECTOR = 0x0806;
    /// Guest FS selector.
    GUEST_FS_SELECTOR = 0x0808;
    /// Guest GS selector.
    GUEST_GS_SELECTOR = 0x080a;
    /// Guest LDTR selector.
    GUEST_LDTR_SELECTOR = 0x080c;
    /// Guest TR selector.
    GUEST_TR_SELECTOR = 0x080e;
    /// Host ES selector.
    HOST_ES_SELECTOR = 0x0c00;
    /// Host CS selector.
    HOST_CS_SELECTOR = 0x0c02;
    /// Host SS selector.
    HOST_SS_SELECTOR = 0x0c04;
    /// Host DS selector.
    HOST_DS_SELECTOR = 0x0c06;
    /// Host FS selector.
    HOST_FS_SELECTOR = 0x0c08;
    /// Host GS selector.
    HOST_GS_SELECTOR = 0x0c0a;
    /// Host TR selector.
    HOST_TR_SELECTOR = 0x0c0c;
}

fields! { ReadWrite rw u64:
    /// Physical address of I/O bitmap A: ports 0 to 0x7fff.
    IO_BITMAP_A = 0x2000;
    /// Physical address of I/O bitmap B: ports 0x8000 to 0xffff.
    IO_BITMAP_B = 0x2002;
    /// Physical address of the MSR bitmaps.
    MSR_BITMAP = 0x2004;
    /// EPT pointer.
    EPT_POINTER = 0x201a;
    /// Link to a shadow VMCS; all ones for none.
    VMCS_LINK_POINTER = 0x2800;
    /// Guest IA32_DEBUGCTL.
    GUEST_DEBUGCTL = 0x2802;
    /// Guest IA32_PAT.
    GUEST_PAT = 0x2804;
    /// Guest IA32_EFER.
    GUEST_EFER = 0x2806;
    /// Host IA32_PAT.
    HOST_PAT = 0x2c00;
    /// Host IA32_EFER.
    HOST_EFER = 0x2c02;
}

fields! { ReadOnly ro u64:
    /// Guest-physical address of an EPT violation.
    GUEST_PHYSICAL_ADDRESS = 0x2400;
}

fields! { ReadWrite rw u32:
    /// Pin-based controls.
    PIN_BASED_CONTROLS = 0x4000;
    /// Primary processor-based controls.
    PROCESSOR_CONTROLS = 0x4002;
    /// Exceptions that exit, a bit per vector.
    EXCEPTION_BITMAP = 0x4004;
    /// Page faults exit if error code & mask == match, when bit 14 of the bitmap is set.
    PAGE_FAULT_ERROR_CODE_MASK = 0x4006;
    /// See the mask.
    PAGE_FAULT_ERROR_CODE_MATCH = 0x4008;
    /// Values of CR3 that do not exit.
    CR3_TARGET_COUNT = 0x400a;
    /// VM-exit controls.
    EXIT_CONTROLS = 0x400c;
    /// MSRs stored at exit.
    EXIT_MSR_STORE_COUNT = 0x400e;
    /// MSRs loaded at exit.
    EXIT_MSR_LOAD_COUNT = 0x4010;
    /// VM-entry controls.
    ENTRY_CONTROLS = 0x4012;
    /// MSRs loaded at entry.
    ENTRY_MSR_LOAD_COUNT = 0x4014;
    /// Event to inject at entry.
    ENTRY_INTERRUPTION_INFO = 0x4016;
    /// Error code of that event.
    ENTRY_EXCEPTION_ERROR_CODE = 0x4018;
    /// Length of the instruction that a software event stands for.
    ENTRY_INSTRUCTION_LENGTH = 0x401a;
    /// Secondary processor-based controls.
    SECONDARY_CONTROLS = 0x401e;
    /// Guest ES limit.
    GUEST_ES_LIMIT = 0x4800;
    /// Guest CS limit.
    GUEST_CS_LIMIT = 0x4802;
    /// Guest SS limit.
    GUEST_SS_LIMIT = 0x4804;
    /// Guest DS limit.
    GUEST_DS_LIMIT = 0x4806;
    /// Guest FS limit.
    GUEST_FS_LIMIT = 0x4808;
    /// Guest GS limit.
    GUEST_GS_LIMIT = 0x480a;
    /// Guest LDTR limit.
    GUEST_LDTR_LIMIT = 0x480c;
    /// Guest TR limit.
    GUEST_TR_LIMIT = 0x480e;
    /// Guest GDTR limit.
    GUEST_GDTR_LIMIT = 0x4810;
    /// Guest IDTR limit.
    GUEST_IDTR_LIMIT = 0x4812;
    /// Guest ES access rights.
    GUEST_ES_ACCESS_RIGHTS = 0x4814;
    /// Guest CS access rights.
    GUEST_CS_ACCESS_RIGHTS = 0x4816;
    /// Guest SS access rights.
    GUEST_SS_ACCESS_RIGHTS = 0x4818;
    /// Guest DS access rights.
    GUEST_DS_ACCESS_RIGHTS = 0x481a;
    /// Guest FS access rights.
    GUEST_FS_ACCESS_RIGHTS = 0x481c;
    /// Guest GS access rights.
    GUEST_GS_ACCESS_RIGHTS = 0x481e;
    /// Guest LDTR access rights.
    GUEST_LDTR_ACCESS_RIGHTS = 0x4820;
    /// Guest TR access rights.
    GUEST_TR_ACCESS_RIGHTS = 0x4822;
    /// Guest interruptibility state.
    GUEST_INTERRUPTIBILITY = 0x4824;
    /// Guest activity state.
    GUEST_ACTIVITY = 0x4826;
    /// Guest IA32_SYSENTER_CS.
    GUEST_SYSENTER_CS = 0x482a;
    /// Ticks until a VMX-preemption-timer exit.
    PREEMPTION_TIMER = 0x482e;
    /// Host IA32_SYSENTER_CS.
    HOST_SYSENTER_CS = 0x4c00;
}

fields! { ReadOnly ro u32:
    /// Why the last VMX instruction failed.
    INSTRUCTION_ERROR = 0x4400;
    /// Exit reason.
    EXIT_REASON = 0x4402;
    /// The event that caused the exit.
    EXIT_INTERRUPTION_INFO = 0x4404;
    /// Its error code.
    EXIT_INTERRUPTION_ERROR_CODE = 0x4406;
    /// The event whose delivery the exit cut short.
    IDT_VECTORING_INFO = 0x4408;
    /// Its error code.
    IDT_VECTORING_ERROR_CODE = 0x440a;
    /// Length of the instruction that caused the exit.
    EXIT_INSTRUCTION_LENGTH = 0x440c;
    /// Operands of the instruction that caused the exit.
    EXIT_INSTRUCTION_INFO = 0x440e;
}

fields! { ReadWrite rw Natural:
    /// Bits of CR0 that the guest does not own.
    CR0_MASK = 0x6000;
    /// Bits of CR4 that the guest does not own.
    CR4_MASK = 0x6002;
    /// What the guest reads in bits of CR0 that it does not own.
    CR0_SHADOW = 0x6004;
    /// What the guest reads in bits of CR4 that it does not own.
    CR4_SHADOW = 0x6006;
    /// Guest CR0.
    GUEST_CR0 = 0x6800;
    /// Guest CR3.
    GUEST_CR3 = 0x6802;
    /// Guest CR4.
    GUEST_CR4 = 0x6804;
    /// Guest ES base.
    GUEST_ES_BASE = 0x6806;
    /// Guest CS base.
    GUEST_CS_BASE = 0x6808;
    /// Guest SS base.
    GUEST_SS_BASE = 0x680a;
    /// Guest DS base.
    GUEST_DS_BASE = 0x680c;
    /// Guest FS base.
    GUEST_FS_BASE = 0x680e;
    /// Guest GS base.
    GUEST_GS_BASE = 0x6810;
    /// Guest LDTR base.
    GUEST_LDTR_BASE = 0x6812;
    /// Guest TR base.
    GUEST_TR_BASE = 0x6814;
    /// Guest GDTR base.
    GUEST_GDTR_BASE = 0x6816;
    /// Guest IDTR base.
    GUEST_IDTR_BASE = 0x6818;
    /// Guest DR7.
    GUEST_DR7 = 0x681a;
    /// Guest RSP.
    GUEST_RSP = 0x681c;
    /// Guest RIP.
    GUEST_RIP = 0x681e;
    /// Guest RFLAGS.
    GUEST_RFLAGS = 0x6820;
    /// Debug exceptions that wait for delivery.
    GUEST_PENDING_DEBUG = 0x6822;
    /// Guest IA32_SYSENTER_ESP.
    GUEST_SYSENTER_ESP = 0x6824;
    /// Guest IA32_SYSENTER_EIP.
    GUEST_SYSENTER_EIP = 0x6826;
    /// Host CR0.
    HOST_CR0 = 0x6c00;
    /// Host CR3.
    HOST_CR3 = 0x6c02;
    /// Host CR4.
    HOST_CR4 = 0x6c04;
    /// Host FS base.
    HOST_FS_BASE = 0x6c06;
    /// Host GS base.
    HOST_GS_BASE = 0x6c08;
    /// Host TR base.
    HOST_TR_BASE = 0x6c0a;
    /// Host GDTR base.
    HOST_GDTR_BASE = 0x6c0c;
    /// Host IDTR base.
    HOST_IDTR_BASE = 0x6c0e;
    /// Host IA32_SYSENTER_ESP.
    HOST_SYSENTER_ESP = 0x6c10;
    /// Host IA32_SYSENTER_EIP.
    HOST_SYSENTER_EIP = 0x6c12;
    /// Host RSP.
    HOST_RSP = 0x6c14;
    /// Host RIP.
    HOST_RIP = 0x6c16;
}

fields! { ReadOnly ro Natural:
    /// What the exit reason leaves open.
    EXIT_QUALIFICATION = 0x6400;
    /// Guest-linear address that caused the exit.
    GUEST_LINEAR_ADDRESS = 0x640a;
}
