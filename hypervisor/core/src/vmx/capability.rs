//! What a CPU's VMX can do, from its capability MSRs (SDM 3D, appendix A).

use super::controls::{
    self, EptVpidFeatures, ExitControls, PinControls, ProcessorControls, SecondaryControls, Wanted,
};
use bitflags::Flags;
use core::fmt;

/// IA32_FEATURE_CONTROL.
pub const FEATURE_CONTROL: u32 = 0x3a;
/// IA32_VMX_BASIC, the first of the capability MSRs.
pub const BASIC: u32 = 0x480;
const PIN_BASED: u32 = 0x481;
const PROCESSOR_BASED: u32 = 0x482;
const EXIT: u32 = 0x483;
const ENTRY: u32 = 0x484;
/// IA32_VMX_MISC.
pub const MISC: u32 = 0x485;
/// IA32_VMX_CR0_FIXED0: bits that are 1 have to be 1 in CR0.
pub const CR0_FIXED0: u32 = 0x486;
/// IA32_VMX_CR0_FIXED1: bits that are 0 have to be 0 in CR0.
pub const CR0_FIXED1: u32 = 0x487;
/// IA32_VMX_CR4_FIXED0: as for CR0.
pub const CR4_FIXED0: u32 = 0x488;
/// IA32_VMX_CR4_FIXED1: as for CR0.
pub const CR4_FIXED1: u32 = 0x489;
const SECONDARY: u32 = 0x48b;
const EPT_VPID: u32 = 0x48c;
/// Distance from a control MSR to its TRUE form.
const TRUE_OFFSET: u32 = 0x48d - PIN_BASED;

/// FEATURE_CONTROL: no more writes.
pub const LOCKED: u64 = 1 << 0;
/// FEATURE_CONTROL: VMXON works outside SMX.
pub const VMX_OUTSIDE_SMX: u64 = 1 << 2;

/// The settings with which Xenolith runs on a CPU, checked against its capabilities.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Capabilities {
    /// First word of VMXON region and VMCS.
    pub revision: u32,
    /// Pin-based controls.
    pub pin: u32,
    /// Whether the monitor trap flag may be switched on.
    pub has_monitor_trap_flag: bool,
    /// Whether the preemption timer may be switched on.
    pub has_preemption_timer: bool,
    /// Whether what is left of it can be saved.
    pub saves_preemption_timer: bool,
    /// Shift from TSC ticks to ticks of the preemption timer.
    pub preemption_timer_shift: u32,
    /// Primary processor-based controls.
    pub processor: u32,
    /// Secondary processor-based controls.
    pub secondary: u32,
    /// VM-exit controls.
    pub exit: u32,
    /// VM-entry controls.
    pub entry: u32,
    /// EPT and VPID.
    pub ept_vpid: EptVpidFeatures,
}

/// What keeps a CPU from running Xenolith.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CapabilityError {
    /// CPUID says that there is no VMX.
    NoVmx,
    /// Firmware has locked VMX off.
    LockedOff,
    /// A feature is missing.
    Missing {
        /// Its name in the manual's words.
        feature: &'static str,
        /// The MSR that says so.
        msr: &'static str,
        /// The bit of it.
        bit: u32,
    },
    /// A control cannot be switched off.
    StuckOn {
        /// Its name.
        feature: &'static str,
        /// The MSR that says so.
        msr: &'static str,
        /// The bit of it.
        bit: u32,
    },
    /// VMCSs have to lie in another kind of memory than write-back.
    MemoryType(u32),
}

impl fmt::Display for CapabilityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NoVmx => f.write_str(
                "this CPU has no VMX (CPUID leaf 1, ECX bit 5); Xenolith needs an Intel CPU, \
                 or an emulator or a host that offers nested VMX",
            ),
            Self::LockedOff => f.write_str(
                "firmware has locked VMX off (IA32_FEATURE_CONTROL bit 2); \
                 switch on \"Intel Virtualization Technology\" in the firmware's set-up",
            ),
            Self::Missing { feature, msr, bit } => {
                write!(f, "this CPU lacks {feature} ({msr} bit {bit})")
            }
            Self::StuckOn { feature, msr, bit } => {
                write!(f, "this CPU cannot switch off {feature} ({msr} bit {bit})")
            }
            Self::MemoryType(number) => {
                write!(f, "this CPU wants VMCSs in memory of type {number}, not write-back")
            }
        }
    }
}

/// Says what to do with IA32_FEATURE_CONTROL before VMXON.
///
/// # Errors
///
/// When firmware has locked VMX off. `None` means that nothing needs to be written.
pub const fn feature_control(value: u64) -> Result<Option<u64>, CapabilityError> {
    match (value & LOCKED != 0, value & VMX_OUTSIDE_SMX != 0) {
        (true, true) => Ok(None),
        (true, false) => Err(CapabilityError::LockedOff),
        (false, _) => Ok(Some(value | LOCKED | VMX_OUTSIDE_SMX)),
    }
}

impl Capabilities {
    /// Reads the capability MSRs by `msr` and settles the controls.
    ///
    /// # Errors
    ///
    /// Names the first feature that is missing.
    pub fn read(msr: impl Fn(u32) -> u64) -> Result<Self, CapabilityError> {
        let basic = msr(BASIC);
        let memory_type = low(basic >> 50) & 0xf;
        if memory_type != 6 {
            return Err(CapabilityError::MemoryType(memory_type));
        }
        let has_true_controls = basic >> 55 & 1 != 0;
        let control = |number| msr(if has_true_controls { number + TRUE_OFFSET } else { number });
        let processor_based = control(PROCESSOR_BASED);
        let processor = settle(processor_based, controls::PROCESSOR, "IA32_VMX_PROCBASED_CTLS")?;
        let secondary = settle(msr(SECONDARY), controls::SECONDARY, "IA32_VMX_PROCBASED_CTLS2")?;
        let ept_vpid = msr(EPT_VPID);
        require(ept_vpid, controls::EPT_VPID, "IA32_VMX_EPT_VPID_CAP")?;
        let (pin, exit) = (control(PIN_BASED), control(EXIT));
        Ok(Self {
            revision: low(basic) & 0x7fff_ffff,
            pin: settle(pin, controls::PIN, "IA32_VMX_PINBASED_CTLS")?,
            has_monitor_trap_flag: high(processor_based)
                & ProcessorControls::MONITOR_TRAP_FLAG.bits()
                != 0,
            has_preemption_timer: high(pin) & PinControls::PREEMPTION_TIMER.bits() != 0,
            saves_preemption_timer: high(exit) & ExitControls::SAVE_PREEMPTION_TIMER.bits() != 0,
            preemption_timer_shift: low(msr(MISC)) & 0x1f,
            processor,
            secondary,
            exit: settle(exit, controls::EXIT, "IA32_VMX_EXIT_CTLS")?,
            entry: settle(control(ENTRY), controls::ENTRY, "IA32_VMX_ENTRY_CTLS")?,
            ept_vpid: EptVpidFeatures::from_bits_truncate(ept_vpid),
        })
    }

    /// Returns whether RDTSCP works in guests.
    pub const fn has_rdtscp(&self) -> bool {
        self.secondary & SecondaryControls::ENABLE_RDTSCP.bits() != 0
    }

    /// Returns the highest level of an EPT leaf: 1 (4 KiB), 2 (2 MiB) or 3 (1 GiB).
    pub const fn max_ept_leaf_level(&self) -> u32 {
        if self.ept_vpid.contains(EptVpidFeatures::GIGABYTE_PAGES) {
            3
        } else if self.ept_vpid.contains(EptVpidFeatures::LARGE_PAGES) {
            2
        } else {
            1
        }
    }
}

/// Returns the value for a control field whose capability MSR holds `capability`: bits 31:0 are
/// those that have to be 1, bits 63:32 those that may be.
fn settle<T: Flags<Bits = u32> + Copy>(
    capability: u64,
    wanted: Wanted<T>,
    msr: &'static str,
) -> Result<u32, CapabilityError> {
    let (must, may) = (low(capability), high(capability));
    if let Some((feature, bit)) = first_name::<T>(wanted.required.bits() & !may) {
        return Err(CapabilityError::Missing { feature, msr, bit: bit + 32 });
    }
    if let Some((feature, bit)) = first_name::<T>(wanted.off.bits() & must) {
        return Err(CapabilityError::StuckOn { feature, msr, bit });
    }
    Ok(must | wanted.required.bits() | (wanted.optional.bits() & may))
}

fn require(
    capability: u64,
    wanted: EptVpidFeatures,
    msr: &'static str,
) -> Result<(), CapabilityError> {
    let missing = wanted.difference(EptVpidFeatures::from_bits_retain(capability));
    match missing.iter_names().next() {
        None => Ok(()),
        Some((feature, flag)) => {
            Err(CapabilityError::Missing { feature, msr, bit: flag.bits().trailing_zeros() })
        }
    }
}

fn first_name<T: Flags<Bits = u32>>(bits: u32) -> Option<(&'static str, u32)> {
    let flags = T::from_bits_retain(bits);
    let name = flags.iter_names().next();
    name.map(|(name, flag)| (name, flag.bits().trailing_zeros()))
}

#[expect(clippy::cast_possible_truncation, reason = "the low half is what is wanted")]
const fn low(value: u64) -> u32 {
    value as u32
}

const fn high(value: u64) -> u32 {
    low(value >> 32)
}

#[cfg(test)]
mod tests;
