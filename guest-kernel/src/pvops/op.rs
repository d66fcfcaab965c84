//! The operations, and what each takes, returns and may change.

/// Defines the operations in the order of their numbers, with the bytes of a site of each.
macro_rules! ops {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $bytes:literal;)+) => {
        /// An operation. Its contract is that of every site and of every function in the table:
        /// where it takes its arguments and leaves its result, and what it may change beside that.
        /// Everything else is preserved, flags included unless they are named.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        #[repr(u8)]
        pub enum Op {
            $($(#[$doc])* $name,)+
        }

        impl Op {
            /// All of them, in the order of their numbers.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// Returns the bytes of a site, which the longest of its contents needs.
            pub const fn site_bytes(self) -> usize {
                match self { $(Self::$name => $bytes,)+ }
            }

            /// Returns its name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }
        }
    };
}

ops! {
    /// No interrupt, or no event, until they are enabled. Changes nothing else.
    IrqDisable = "irq_disable", 8;
    /// Interrupts or events from here on, those that wait first. May change flags.
    IrqEnable = "irq_enable", 23;
    /// RAX = IF or 0. May change flags.
    SaveFl = "save_fl", 15;
    /// As [`IrqEnable`](Self::IrqEnable) if RDI has IF, else nothing. May change flags.
    RestoreFl = "restore_fl", 31;
    /// Called with interrupts or events disabled: enables them and waits for one. May change what
    /// a call of C changes.
    SafeHalt = "safe_halt", 8;
    /// Continues what the [`Frame`](crate::entry::Frame) describes whose word `cause` is at RSP:
    /// RCX and R11 are taken from there, other registers are those of the target already. Jumped to.
    Iret = "iret", 48;
    /// As [`Iret`](Self::Iret), to user mode behind SYSCALL, on the kernel's GS: RCX and R11 become
    /// RIP and RFLAGS.
    UsergsSysret64 = "usergs_sysret64", 48;
    /// Exchanges the bases of GS of kernel and user mode, where the kernel has to. Changes nothing
    /// else.
    Swapgs = "swapgs", 8;
    /// RAX = the address of the last page fault. May change flags, which control registers leave
    /// undefined.
    ReadCr2 = "read_cr2", 8;
    /// RAX = the address of the top-level page table, and CR3's other bits. May change flags.
    ReadCr3 = "read_cr3", 8;
    /// Loads the top-level page table at RDI. May change what a call of C changes.
    WriteCr3 = "write_cr3", 8;
    /// Flushes this CPU's translations that are not global. May change RAX and flags.
    FlushTlb = "flush_tlb", 8;
    /// Flushes this CPU's translation of the address in RDI.
    FlushTlbOne = "flush_tlb_one", 8;
    /// Writes back and invalidates the caches.
    Wbinvd = "wbinvd", 8;
    /// RAX = the page-table entry for the value in RAX.
    MakePte = "make_pte", 8;
    /// RAX = the value of the page-table entry in RAX.
    PteVal = "pte_val", 8;
    /// Stores the entry in RSI at RDI.
    SetPte = "set_pte", 8;
    /// Loads GDTR from the pointer at RDI, where the kernel has a table of its own.
    LoadGdt = "load_gdt", 8;
    /// Loads IDTR from the pointer at RDI, where the kernel has a table of its own.
    LoadIdt = "load_idt", 8;
    /// Loads the task register with DI, where the kernel has a task state of its own.
    LoadTr = "load_tr", 8;
    /// EDX:EAX = the model-specific register ECX.
    ReadMsr = "read_msr", 8;
    /// The model-specific register ECX = EDX:EAX.
    WriteMsr = "write_msr", 8;
    /// EAX, ESI, ECX, EDX = what CPUID leaves in EAX, EBX, ECX, EDX for leaf EAX, sub-leaf ECX.
    Cpuid = "cpuid", 8;
    /// Waits as long as slow devices need between two accesses.
    IoDelay = "io_delay", 8;
}

impl Op {
    /// The number of operations.
    pub const COUNT: usize = Self::ALL.len();

    /// The bytes of the longest site.
    pub const MAX_SITE_BYTES: usize = 48;

    /// The bytes of the shortest site: sites are written in words of so many.
    pub const MIN_SITE_BYTES: usize = 8;

    /// The bytes of a call or jump through the table, with which every site begins.
    pub const CALL_BYTES: usize = 6;

    /// Returns its number.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Returns its number as an index into tables of operations.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Returns the operation of a number.
    pub fn of_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// Returns whether its sites are left for good: they jump instead of calling.
    pub const fn is_jump(self) -> bool {
        matches!(self, Self::Iret | Self::UsergsSysret64)
    }
}

const _: () = {
    let mut index = 0;
    while index < Op::COUNT {
        let op = Op::ALL[index];
        assert!(op.index() == index);
        assert!(op.site_bytes() >= Op::MIN_SITE_BYTES && op.site_bytes() <= Op::MAX_SITE_BYTES);
        index += 1;
    }
};
