//! Basic exit reasons (SDM 3D, appendix C, "VMX Basic Exit Reasons").

use core::fmt;

/// Number of counters that a count per reason needs; reasons above share the last one.
pub const REASON_SLOTS: usize = xenolith_abi::xenolith::EXIT_REASON_SLOTS;

/// Why a vCPU left VMX non-root operation, as the exit-reason field holds it.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct ExitReason(pub u32);

macro_rules! reasons {
    ($($name:ident = $number:literal, $text:literal;)*) => {
        impl ExitReason {
            $(#[doc = concat!("Basic reason ", stringify!($number), ": ", $text, ".")]
            pub const $name: Self = Self($number);)*

            /// Returns the words for the basic reason, or `None` for a number not known.
            pub const fn name(self) -> Option<&'static str> {
                match self.basic() {
                    $($number => Some($text),)*
                    _ => None,
                }
            }
        }
    };
}

reasons! {
    EXCEPTION_OR_NMI = 0, "exception or NMI";
    EXTERNAL_INTERRUPT = 1, "external interrupt";
    TRIPLE_FAULT = 2, "triple fault";
    INIT_SIGNAL = 3, "INIT signal";
    STARTUP_IPI = 4, "start-up IPI";
    IO_SMI = 5, "I/O system-management interrupt";
    OTHER_SMI = 6, "other system-management interrupt";
    INTERRUPT_WINDOW = 7, "interrupt window";
    NMI_WINDOW = 8, "NMI window";
    TASK_SWITCH = 9, "task switch";
    CPUID = 10, "CPUID";
    GETSEC = 11, "GETSEC";
    HLT = 12, "HLT";
    INVD = 13, "INVD";
    INVLPG = 14, "INVLPG";
    RDPMC = 15, "RDPMC";
    RDTSC = 16, "RDTSC";
    RSM = 17, "RSM";
    VMCALL = 18, "VMCALL";
    VMCLEAR = 19, "VMCLEAR";
    VMLAUNCH = 20, "VMLAUNCH";
    VMPTRLD = 21, "VMPTRLD";
    VMPTRST = 22, "VMPTRST";
    VMREAD = 23, "VMREAD";
    VMRESUME = 24, "VMRESUME";
    VMWRITE = 25, "VMWRITE";
    VMXOFF = 26, "VMXOFF";
    VMXON = 27, "VMXON";
    CONTROL_REGISTER = 28, "control-register access";
    DEBUG_REGISTER = 29, "debug-register access";
    IO_INSTRUCTION = 30, "I/O instruction";
    RDMSR = 31, "RDMSR";
    WRMSR = 32, "WRMSR";
    INVALID_GUEST_STATE = 33, "VM-entry failure due to invalid guest state";
    MSR_LOADING = 34, "VM-entry failure due to MSR loading";
    MWAIT = 36, "MWAIT";
    MONITOR_TRAP_FLAG = 37, "monitor trap flag";
    MONITOR = 39, "MONITOR";
    PAUSE = 40, "PAUSE";
    MACHINE_CHECK_ON_ENTRY = 41, "VM-entry failure due to machine-check event";
    TPR_BELOW_THRESHOLD = 43, "TPR below threshold";
    APIC_ACCESS = 44, "APIC access";
    VIRTUALIZED_EOI = 45, "virtualized EOI";
    GDTR_IDTR = 46, "access to GDTR or IDTR";
    LDTR_TR = 47, "access to LDTR or TR";
    EPT_VIOLATION = 48, "EPT violation";
    EPT_MISCONFIGURATION = 49, "EPT misconfiguration";
    INVEPT = 50, "INVEPT";
    RDTSCP = 51, "RDTSCP";
    PREEMPTION_TIMER = 52, "VMX-preemption timer expired";
    INVVPID = 53, "INVVPID";
    WBINVD = 54, "WBINVD or WBNOINVD";
    XSETBV = 55, "XSETBV";
    APIC_WRITE = 56, "APIC write";
    RDRAND = 57, "RDRAND";
    INVPCID = 58, "INVPCID";
    VMFUNC = 59, "VMFUNC";
    ENCLS = 60, "ENCLS";
    RDSEED = 61, "RDSEED";
    PAGE_MODIFICATION_LOG_FULL = 62, "page-modification log full";
    XSAVES = 63, "XSAVES";
    XRSTORS = 64, "XRSTORS";
    PCONFIG = 65, "PCONFIG";
    SUB_PAGE_PERMISSION = 66, "sub-page permission event";
    UMWAIT = 67, "UMWAIT";
    TPAUSE = 68, "TPAUSE";
    LOADIWKEY = 69, "LOADIWKEY";
    ENCLV = 70, "ENCLV";
    ENQCMD_PASID = 72, "ENQCMD PASID translation failure";
    ENQCMDS_PASID = 73, "ENQCMDS PASID translation failure";
    BUS_LOCK = 74, "bus lock";
    INSTRUCTION_TIMEOUT = 75, "instruction timeout";
    SEAMCALL = 76, "SEAMCALL";
    TDCALL = 77, "TDCALL";
}

impl ExitReason {
    /// Returns bits 15:0, without the flags.
    pub const fn basic(self) -> u32 {
        self.0 & 0xffff
    }

    /// Returns whether the entry failed, so that no guest instruction ran.
    pub const fn is_entry_failure(self) -> bool {
        self.0 >> 31 != 0
    }

    /// Returns the counter that counts this reason, below [`REASON_SLOTS`].
    pub const fn slot(self) -> usize {
        let slot = crate::address::to_usize(self.basic() as u64);
        if slot < REASON_SLOTS { slot } else { REASON_SLOTS - 1 }
    }
}

impl fmt::Debug for ExitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x} ({self})", self.0)
    }
}

impl fmt::Display for ExitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "unknown exit reason {}", self.basic()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_do_not_hide_the_reason() {
        let failed = ExitReason(0x8000_0021);
        assert!(failed.is_entry_failure());
        assert_eq!(failed.name(), Some("VM-entry failure due to invalid guest state"));
        assert!(!ExitReason::VMCALL.is_entry_failure());
    }

    #[test]
    fn every_number_has_words_and_a_slot() {
        for number in 0..=0xffff {
            let reason = ExitReason(number);
            assert!(reason.slot() < REASON_SLOTS);
            assert!(!reason.to_string().is_empty());
            assert_eq!(reason.name().is_none(), reason.to_string().starts_with("unknown"));
        }
        assert_eq!(ExitReason(200).slot(), REASON_SLOTS - 1);
        assert_eq!(ExitReason::VMCALL.slot(), 18);
    }
}
