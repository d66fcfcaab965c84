//! Why a domain was ended against its will, and what its vCPU looked like.

use crate::address::{Gpa, Gva};
use crate::vmx::qualification::{EptViolation, exception_name};
use arrayvec::ArrayVec;
use core::fmt;

/// Callers that are shown of a vCPU's stack, at most.
pub const MAX_CALLERS: usize = 16;

/// What a domain did that it cannot go on from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CrashReason {
    /// An exception that the guest has no handler for.
    Exception {
        /// The vector.
        vector: u8,
        /// Its error code.
        error_code: Option<u32>,
        /// For a page fault, the address.
        address: Option<Gva>,
    },
    /// An entry into the guest's kernel for which stack or tables cannot be used.
    DoubleFault {
        /// Where the entry came from.
        from: Origin,
        /// The stack on which the kernel was to be entered.
        stack: Gva,
        /// Whether it has grown onto a page that cannot be used, from one that can.
        overflowed: bool,
    },
    /// An access to guest-physical memory that is not there or not for this.
    GuestPhysical {
        /// The address.
        address: Gpa,
        /// The linear address, where there is one.
        linear: Option<Gva>,
        /// The access.
        violation: EptViolation,
    },
    /// The resident cannot enter the guest or return to it.
    Resident {
        /// Why.
        what: &'static str,
        /// The exception that it met.
        vector: u8,
        /// Where the guest's stack was.
        address: Gva,
    },
    /// Something that Xenolith does not handle, in the CPU's own terms.
    Unhandled {
        /// What it is.
        what: &'static str,
        /// Its number.
        reason: u32,
        /// More about it.
        qualification: u64,
    },
}

/// What ran when a double fault came.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Origin {
    /// A process.
    Process,
    /// The guest's kernel.
    Kernel,
    /// The resident, which had begun or ended an entry.
    Resident,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Process => "a process",
            Self::Kernel => "the kernel",
            Self::Resident => "the resident",
        })
    }
}

impl fmt::Display for CrashReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Exception { vector, error_code, address } => {
                write!(f, "{} (vector {vector}", exception_name(vector))?;
                if let Some(code) = error_code {
                    write!(f, ", error code {code:#x}")?;
                }
                if let Some(address) = address {
                    write!(f, ", address {address}")?;
                }
                f.write_str(") and the guest has no handler")
            }
            Self::DoubleFault { from, stack, overflowed } => {
                let why = if overflowed {
                    "has it overflowed? the page above can be used"
                } else {
                    "is it mapped and writable?"
                };
                write!(
                    f,
                    "#DF double fault: the kernel cannot be entered from {from} on stack {stack}; {why}"
                )
            }
            Self::GuestPhysical { address, linear, violation } => {
                write!(f, "{violation} {address}")?;
                match linear {
                    Some(linear) => write!(f, " by linear address {linear}"),
                    None => Ok(()),
                }
            }
            Self::Resident { what, vector, address } => {
                write!(f, "{what} (vector {vector}, stack {address})")
            }
            Self::Unhandled { what, reason, qualification } => {
                write!(f, "{what} (reason {reason:#x}, qualification {qualification:#x})")
            }
        }
    }
}

/// A vCPU's registers, for the log.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RegisterDump {
    /// rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp, r8 to r15.
    pub general: [u64; 16],
    /// Instruction pointer.
    pub rip: u64,
    /// Return addresses on the kernel's stack, if it keeps frame pointers; what else is there
    /// otherwise. Innermost first.
    pub callers: ArrayVec<u64, MAX_CALLERS>,
    /// Flags.
    pub rflags: u64,
    /// cs, ss, ds, es, fs, gs.
    pub selectors: [u16; 6],
    /// Bases of fs and gs.
    pub bases: [u64; 2],
    /// cr0, cr2, cr3, cr4.
    pub control: [u64; 4],
    /// The bytes at rip that could be read.
    pub code: ArrayVec<u8, 16>,
}

const GENERAL: [&str; 16] = [
    "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "r8 ", "r9 ", "r10", "r11", "r12",
    "r13", "r14", "r15",
];

impl RegisterDump {
    /// Calls `line` with each line of the dump.
    pub fn for_each_line(&self, mut line: impl FnMut(fmt::Arguments<'_>)) {
        line(format_args!("  rip {:016x}  rflags {:08x}", self.rip, self.rflags));
        for (names, values) in GENERAL.chunks(4).zip(self.general.chunks(4)) {
            line(format_args!(
                "  {} {:016x}  {} {:016x}  {} {:016x}  {} {:016x}",
                names[0], values[0], names[1], values[1], names[2], values[2], names[3], values[3]
            ));
        }
        let [cs, ss, ds, es, fs, gs] = self.selectors;
        line(format_args!(
            "  cs {cs:04x} ss {ss:04x} ds {ds:04x} es {es:04x} fs {fs:04x} gs {gs:04x}  \
             fs base {:x}  gs base {:x}",
            self.bases[0], self.bases[1]
        ));
        let [cr0, cr2, cr3, cr4] = self.control;
        line(format_args!("  cr0 {cr0:08x}  cr2 {cr2:016x}  cr3 {cr3:x}  cr4 {cr4:x}"));
        line(format_args!("  code at rip: {:02x?}", &self.code[..]));
        for address in core::iter::once(self.rip).chain(self.callers.iter().copied()) {
            line(format_args!("  guest at {address:#018x}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::fmt::Write;

    #[test]
    fn reasons_in_words() {
        let fault =
            CrashReason::Exception { vector: 14, error_code: Some(2), address: Some(Gva(0x10)) };
        assert_eq!(
            fault.to_string(),
            "#PF page fault (vector 14, error code 0x2, address 0x10) and the guest has no handler"
        );
        let stack = Gva(0x2000);
        let overflow = CrashReason::DoubleFault { from: Origin::Kernel, stack, overflowed: true };
        assert_eq!(
            overflow.to_string(),
            "#DF double fault: the kernel cannot be entered from the kernel on stack 0x2000; \
             has it overflowed? the page above can be used"
        );
        let double = CrashReason::DoubleFault { from: Origin::Process, stack, overflowed: false };
        assert_eq!(
            double.to_string(),
            "#DF double fault: the kernel cannot be entered from a process on stack 0x2000; \
             is it mapped and writable?"
        );
        let violation = CrashReason::GuestPhysical {
            address: Gpa(0x1000),
            linear: Some(Gva(0xffff_8000_0000_1000)),
            violation: EptViolation::decode(0x182),
        };
        assert_eq!(
            violation.to_string(),
            "write to an unmapped guest-physical address 0x1000 \
             by linear address 0xffff800000001000"
        );
    }

    #[test]
    fn every_register_is_in_the_dump() {
        let mut dump = RegisterDump::default();
        for (value, register) in (0xa0..).zip(&mut dump.general) {
            *register = value;
        }
        dump.code.push(0x0f);
        dump.rip = 0xffff_ffff_8000_1234;
        dump.callers.push(0x5678);
        let mut text = String::new();
        dump.for_each_line(|line| writeln!(text, "{line}").unwrap());
        for (value, name) in (0xa0..).zip(GENERAL) {
            assert!(text.contains(&format!("{name} {value:016x}")), "{name}");
        }
        assert!(text.contains("code at rip: [0f]"));
        let chain = "  guest at 0xffffffff80001234\n  guest at 0x0000000000005678\n";
        assert!(text.ends_with(chain), "{text}");
    }
}
