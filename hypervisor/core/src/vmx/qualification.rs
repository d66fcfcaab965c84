//! What exit qualifications and interruption information say (SDM 3D, "Exit Qualification").

use crate::guest_access::Privilege;
use core::fmt;

/// Access to a control register.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ControlRegisterAccess {
    /// MOV to the register numbered `register` from general register `source`.
    Write {
        /// 0, 3, 4 or 8.
        register: u8,
        /// Number of the general register, 0 for RAX to 15 for R15.
        source: u8,
    },
    /// MOV from the register numbered `register` to general register `target`.
    Read {
        /// 3 or 8.
        register: u8,
        /// Number of the general register.
        target: u8,
    },
    /// CLTS.
    ClearTaskSwitched,
    /// LMSW with these 16 bits.
    LoadMachineStatus(u16),
}

impl ControlRegisterAccess {
    /// Decodes the qualification of a control-register access.
    pub fn decode(qualification: u64) -> Self {
        let [byte0, byte1, byte2, byte3, ..] = qualification.to_le_bytes();
        let register = byte0 & 0xf;
        let general = byte1 & 0xf;
        match (byte0 >> 4) & 3 {
            0 => Self::Write { register, source: general },
            1 => Self::Read { register, target: general },
            2 => Self::ClearTaskSwitched,
            _ => Self::LoadMachineStatus(u16::from_le_bytes([byte2, byte3])),
        }
    }
}

/// How an access broke the rules of EPT.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "one for each bit of the qualification")]
pub struct EptViolation {
    /// Bit 0: a read.
    pub read: bool,
    /// Bit 1: a write.
    pub write: bool,
    /// Bit 2: an instruction fetch.
    pub fetch: bool,
    /// Whether EPT maps the address at all (bits 5:3).
    pub mapped: bool,
    /// Bit 7: the linear address is valid.
    pub linear_valid: bool,
    /// Bit 8, with bit 7: the access was to the translation of a linear address, not a table.
    pub final_access: bool,
}

impl EptViolation {
    /// Decodes the qualification of an EPT violation.
    pub fn decode(qualification: u64) -> Self {
        let bit = |n: u32| qualification >> n & 1 != 0;
        Self {
            read: bit(0),
            write: bit(1),
            fetch: bit(2),
            mapped: qualification & 0b11_1000 != 0,
            linear_valid: bit(7),
            final_access: bit(8),
        }
    }
}

impl fmt::Display for EptViolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let access = match (self.fetch, self.write) {
            (true, _) => "fetch from",
            (_, true) => "write to",
            _ => "read of",
        };
        let what = if self.mapped { "a protected" } else { "an unmapped" };
        write!(f, "{access} {what} guest-physical address")?;
        if self.linear_valid && !self.final_access {
            f.write_str(" while walking page tables")?;
        }
        Ok(())
    }
}

/// The event that an interruption-information field describes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Interruption {
    /// Bits 7:0.
    pub vector: u8,
    /// Bits 10:8: 0 external interrupt, 2 NMI, 3 hardware exception, 4 software interrupt,
    /// 5 privileged software exception, 6 software exception.
    pub kind: u8,
    /// Bit 11: there is an error code.
    pub has_error_code: bool,
}

impl Interruption {
    /// The kind of an NMI.
    pub const NMI: u8 = 2;
    /// The kind of INT1.
    pub const PRIVILEGED_SOFTWARE: u8 = 5;

    /// Decodes the field, or returns `None` when its valid bit is clear.
    pub fn decode(information: u32) -> Option<Self> {
        let [vector, flags, ..] = information.to_le_bytes();
        (information >> 31 != 0).then_some(Self {
            vector,
            kind: flags & 7,
            has_error_code: flags & 8 != 0,
        })
    }
}

/// An IN, OUT, INS or OUTS.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PortAccess {
    /// The port.
    pub port: u16,
    /// 1, 2 or 4.
    pub bytes: u8,
    /// Whether the access reads the port.
    pub input: bool,
    /// Whether it is INS or OUTS.
    pub string: bool,
    /// Whether it has a REP prefix.
    pub repeated: bool,
}

impl PortAccess {
    /// Decodes the qualification of an I/O instruction.
    pub fn decode(qualification: u64) -> Self {
        let [low, _, port0, port1, ..] = qualification.to_le_bytes();
        Self {
            port: u16::from_le_bytes([port0, port1]),
            bytes: (low & 7) + 1,
            input: low & 8 != 0,
            string: low & 0x10 != 0,
            repeated: low & 0x20 != 0,
        }
    }
}

/// Returns the bits of address and count that an INS or OUTS uses, from the instruction
/// information.
pub const fn string_address_mask(information: u32) -> u64 {
    match information >> 7 & 7 {
        0 => 0xffff,
        1 => 0xffff_ffff,
        _ => u64::MAX,
    }
}

/// Returns the bits of the instruction pointer that count, from the access rights of CS: code that
/// is not 64-bit wraps, and the CPU does not take more from a VMCS (SDM 3C, "Checks on Guest RIP,
/// RFLAGS, and SSP").
pub const fn code_address_mask(access_rights: u32) -> u64 {
    const LONG: u32 = 1 << 13;
    if access_rights & LONG != 0 { u64::MAX } else { 0xffff_ffff }
}

/// Returns who runs, from the access rights of SS, whose privilege level is the CPU's.
pub const fn privilege(access_rights: u32) -> Privilege {
    if access_rights >> 5 & 3 == 3 { Privilege::User } else { Privilege::Kernel }
}

/// Returns the name of an exception vector.
pub const fn exception_name(vector: u8) -> &'static str {
    match vector {
        0 => "#DE divide error",
        1 => "#DB debug",
        2 => "NMI",
        3 => "#BP breakpoint",
        4 => "#OF overflow",
        5 => "#BR bound range exceeded",
        6 => "#UD invalid opcode",
        7 => "#NM device not available",
        8 => "#DF double fault",
        9 => "coprocessor segment overrun",
        10 => "#TS invalid TSS",
        11 => "#NP segment not present",
        12 => "#SS stack-segment fault",
        13 => "#GP general protection",
        14 => "#PF page fault",
        16 => "#MF x87 floating-point error",
        17 => "#AC alignment check",
        18 => "#MC machine check",
        19 => "#XM SIMD floating-point exception",
        20 => "#VE virtualization exception",
        21 => "#CP control protection exception",
        _ => "reserved exception",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_register_accesses() {
        use ControlRegisterAccess::*;
        for (raw, access) in [
            (0x0000_0304, Write { register: 4, source: 3 }),
            (0x0000_0f18, Read { register: 8, target: 15 }),
            (0x0000_0020, ClearTaskSwitched),
            (0xabcd_0030, LoadMachineStatus(0xabcd)),
        ] {
            assert_eq!(ControlRegisterAccess::decode(raw), access);
        }
    }

    #[test]
    fn port_accesses() {
        let byte_in = PortAccess::decode(0x03f8_0008);
        assert_eq!((byte_in.port, byte_in.bytes, byte_in.input), (0x3f8, 1, true));
        let rep_outsd = PortAccess::decode(0x0cf8_0033);
        assert_eq!(
            rep_outsd,
            PortAccess { port: 0xcf8, bytes: 4, input: false, string: true, repeated: true }
        );
    }

    #[test]
    fn string_address_sizes() {
        assert_eq!(string_address_mask(0x8100), u64::MAX);
        assert_eq!(string_address_mask(0x8080), 0xffff_ffff);
        assert_eq!(string_address_mask(0x8000), 0xffff);
    }

    #[test]
    fn code_address_sizes() {
        assert_eq!(code_address_mask(0xa09b), u64::MAX);
        assert_eq!(code_address_mask(0xc0fb), 0xffff_ffff);
    }

    #[test]
    fn privileges() {
        assert_eq!(privilege(0xc093), Privilege::Kernel);
        assert_eq!(privilege(0xc0f3), Privilege::User);
        assert_eq!(privilege(1 << 16 | 0x60), Privilege::User);
    }

    #[test]
    fn interruptions() {
        assert_eq!(Interruption::decode(0x0b0e), None);
        let fault = Interruption::decode(0x8000_0b0e).unwrap();
        assert_eq!((fault.vector, fault.kind, fault.has_error_code), (14, 3, true));
        assert_eq!(Interruption::decode(0x8000_0202).unwrap().kind, Interruption::NMI);
    }

    #[test]
    fn ept_violations_in_words() {
        for (raw, text) in [
            (0x181, "read of an unmapped guest-physical address"),
            (0x18a, "write to a protected guest-physical address"),
            (0x08a, "write to a protected guest-physical address while walking page tables"),
            (0x184, "fetch from an unmapped guest-physical address"),
        ] {
            assert_eq!(EptViolation::decode(raw).to_string(), text);
        }
    }
}
