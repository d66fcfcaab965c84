//! The control fields, bit by bit, and which of them Xenolith needs.

use bitflags::bitflags;

bitflags! {
    /// Pin-based controls (SDM 3C, "Pin-Based VM-Execution Controls").
    #[derive(Clone, Copy, Debug, Eq, PartialEq)]
    pub struct PinControls: u32 {
        /// External interrupts exit.
        const EXTERNAL_INTERRUPT_EXITING = 1 << 0;
        /// NMIs exit.
        const NMI_EXITING = 1 << 3;
        /// The preemption timer runs.
        const PREEMPTION_TIMER = 1 << 6;
    }

    /// Primary processor-based controls.
    #[derive(Clone, Copy, Debug, Eq, PartialEq)]
    pub struct ProcessorControls: u32 {
        /// HLT exits.
        const HLT_EXITING = 1 << 7;
        /// INVLPG exits.
        const INVLPG_EXITING = 1 << 9;
        /// MWAIT exits.
        const MWAIT_EXITING = 1 << 10;
        /// RDPMC exits.
        const RDPMC_EXITING = 1 << 11;
        /// Loads of CR3 exit.
        const CR3_LOAD_EXITING = 1 << 15;
        /// Stores of CR3 exit.
        const CR3_STORE_EXITING = 1 << 16;
        /// Loads of CR8 exit.
        const CR8_LOAD_EXITING = 1 << 19;
        /// Stores of CR8 exit.
        const CR8_STORE_EXITING = 1 << 20;
        /// The I/O bitmaps decide which ports exit.
        const USE_IO_BITMAPS = 1 << 25;
        /// The guest exits behind its next instruction.
        const MONITOR_TRAP_FLAG = 1 << 27;
        /// The MSR bitmaps decide which MSRs exit.
        const USE_MSR_BITMAPS = 1 << 28;
        /// MONITOR exits.
        const MONITOR_EXITING = 1 << 29;
        /// The secondary controls count.
        const SECONDARY_CONTROLS = 1 << 31;
    }

    /// Secondary processor-based controls.
    #[derive(Clone, Copy, Debug, Eq, PartialEq)]
    pub struct SecondaryControls: u32 {
        /// Guest-physical addresses are translated by EPT.
        const ENABLE_EPT = 1 << 1;
        /// RDTSCP works in the guest.
        const ENABLE_RDTSCP = 1 << 3;
        /// Translations are tagged with the VPID.
        const ENABLE_VPID = 1 << 5;
        /// WBINVD exits.
        const WBINVD_EXITING = 1 << 6;
    }

    /// VM-exit controls.
    #[derive(Clone, Copy, Debug, Eq, PartialEq)]
    pub struct ExitControls: u32 {
        /// DR7 and IA32_DEBUGCTL are saved.
        const SAVE_DEBUG_CONTROLS = 1 << 2;
        /// The host is in 64-bit mode.
        const HOST_64_BIT = 1 << 9;
        /// The vector of an external interrupt is acknowledged and saved.
        const ACKNOWLEDGE_INTERRUPT = 1 << 15;
        /// IA32_PAT is saved.
        const SAVE_PAT = 1 << 18;
        /// IA32_PAT is loaded.
        const LOAD_PAT = 1 << 19;
        /// IA32_EFER is saved.
        const SAVE_EFER = 1 << 20;
        /// IA32_EFER is loaded.
        const LOAD_EFER = 1 << 21;
        /// What is left of the preemption timer is saved.
        const SAVE_PREEMPTION_TIMER = 1 << 22;
    }

    /// VM-entry controls.
    #[derive(Clone, Copy, Debug, Eq, PartialEq)]
    pub struct EntryControls: u32 {
        /// DR7 and IA32_DEBUGCTL are loaded.
        const LOAD_DEBUG_CONTROLS = 1 << 2;
        /// The guest is in 64-bit mode.
        const GUEST_64_BIT = 1 << 9;
        /// IA32_PAT is loaded.
        const LOAD_PAT = 1 << 14;
        /// IA32_EFER is loaded.
        const LOAD_EFER = 1 << 15;
    }

    /// What EPT and VPID can do (IA32_VMX_EPT_VPID_CAP).
    #[derive(Clone, Copy, Debug, Eq, PartialEq)]
    pub struct EptVpidFeatures: u64 {
        /// Four-level tables.
        const FOUR_LEVELS = 1 << 6;
        /// Tables in write-back memory.
        const WRITE_BACK = 1 << 14;
        /// 2 MiB pages.
        const LARGE_PAGES = 1 << 16;
        /// 1 GiB pages.
        const GIGABYTE_PAGES = 1 << 17;
        /// INVEPT.
        const INVEPT = 1 << 20;
        /// Accessed and dirty flags.
        const ACCESSED_DIRTY = 1 << 21;
        /// INVEPT of all contexts.
        const INVEPT_ALL = 1 << 26;
        /// INVVPID.
        const INVVPID = 1 << 32;
        /// INVVPID of all contexts.
        const INVVPID_ALL = 1 << 42;
    }
}

/// Which bits of a control field have to be on, may be on, and have to be off.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<T> {
    /// Have to be on.
    pub required: T,
    /// Are switched on where the CPU has them.
    pub optional: T,
    /// Have to be off.
    pub off: T,
}

/// Needed of the pin-based controls.
pub const PIN: Wanted<PinControls> = Wanted {
    required: PinControls::EXTERNAL_INTERRUPT_EXITING.union(PinControls::NMI_EXITING),
    optional: PinControls::empty(),
    off: PinControls::empty(),
};

/// Needed of the primary controls.
pub const PROCESSOR: Wanted<ProcessorControls> = Wanted {
    required: ProcessorControls::HLT_EXITING
        .union(ProcessorControls::MWAIT_EXITING)
        .union(ProcessorControls::RDPMC_EXITING)
        .union(ProcessorControls::CR8_LOAD_EXITING)
        .union(ProcessorControls::CR8_STORE_EXITING)
        .union(ProcessorControls::USE_IO_BITMAPS)
        .union(ProcessorControls::USE_MSR_BITMAPS)
        .union(ProcessorControls::MONITOR_EXITING)
        .union(ProcessorControls::SECONDARY_CONTROLS),
    optional: ProcessorControls::empty(),
    off: ProcessorControls::INVLPG_EXITING
        .union(ProcessorControls::CR3_LOAD_EXITING)
        .union(ProcessorControls::CR3_STORE_EXITING),
};

/// Needed of the secondary controls.
pub const SECONDARY: Wanted<SecondaryControls> = Wanted {
    required: SecondaryControls::ENABLE_EPT.union(SecondaryControls::ENABLE_VPID),
    optional: SecondaryControls::WBINVD_EXITING.union(SecondaryControls::ENABLE_RDTSCP),
    off: SecondaryControls::empty(),
};

/// Needed of the exit controls.
pub const EXIT: Wanted<ExitControls> = Wanted {
    required: ExitControls::all().difference(ExitControls::SAVE_PREEMPTION_TIMER),
    optional: ExitControls::empty(),
    off: ExitControls::empty(),
};

/// Needed of the entry controls.
pub const ENTRY: Wanted<EntryControls> = Wanted {
    required: EntryControls::all(),
    optional: EntryControls::empty(),
    off: EntryControls::empty(),
};

/// Needed of EPT and VPID.
pub const EPT_VPID: EptVpidFeatures = EptVpidFeatures::FOUR_LEVELS
    .union(EptVpidFeatures::WRITE_BACK)
    .union(EptVpidFeatures::INVEPT)
    .union(EptVpidFeatures::INVEPT_ALL)
    .union(EptVpidFeatures::INVVPID)
    .union(EptVpidFeatures::INVVPID_ALL);
