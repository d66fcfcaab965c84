//! Single instructions that a guest may not, or only just may, execute.

use core::arch::asm;

macro_rules! instruction {
    ($(#[$doc:meta])* $name:ident, $($text:literal),+ $(; $($register:tt)+)?) => {
        $(#[$doc])*
        pub fn $name() {
            // SAFETY: see the module `probe`; where the instruction does not fault it changes
            // nothing that compiled code relies on.
            unsafe { asm!($($text,)+ $($($register)+)?) }
        }
    };
}

instruction! {
    /// Enables VMX operation on a region nobody prepared.
    vmxon, "push 0x1000", "vmxon [rsp]", "pop rax"; out("rax") _
}
instruction! {
    /// Leaves VMX operation.
    vmxoff, "vmxoff"
}
instruction! {
    /// Calls whoever is beneath; with the registers of a hypercall that powers the domain off.
    vmcall, "push 0", "mov rsi, rsp", "mov edi, 2", "mov eax, 29", "vmcall", "pop rax";
    out("rax") _, out("rdi") _, out("rsi") _
}
instruction! {
    /// Enters a guest for the first time.
    vmlaunch, "vmlaunch"
}
instruction! {
    /// Enters a guest again.
    vmresume, "vmresume"
}
instruction! {
    /// Makes a control structure current.
    vmptrld, "push 0x1000", "vmptrld [rsp]", "pop rax"; out("rax") _
}
instruction! {
    /// Asks which control structure is current.
    vmptrst, "push 0", "vmptrst [rsp]", "pop rax"; out("rax") _
}
instruction! {
    /// Writes a control structure back.
    vmclear, "push 0x1000", "vmclear [rsp]", "pop rax"; out("rax") _
}
instruction! {
    /// Reads a field of a control structure.
    vmread, "xor ecx, ecx", "vmread rax, rcx"; out("rax") _, out("rcx") _
}
instruction! {
    /// Writes a field of a control structure.
    vmwrite, "xor ecx, ecx", "vmwrite rcx, rax"; out("rax") _, out("rcx") _
}
instruction! {
    /// Flushes translations derived from EPT.
    invept, "push 0", "push 0", "mov eax, 2", "invept rax, [rsp]", "pop rax", "pop rax";
    out("rax") _
}
instruction! {
    /// Flushes translations by processor identifier.
    invvpid, "push 0", "push 0", "mov eax, 2", "invvpid rax, [rsp]", "pop rax", "pop rax";
    out("rax") _
}
instruction! {
    /// Calls a function of the hypervisor without an exit.
    vmfunc, "xor eax, eax", "xor ecx, ecx", "vmfunc"; out("rax") _, out("rcx") _
}
instruction! {
    /// AMD's hypercall.
    vmmcall, "vmmcall"; out("rax") _
}
instruction! {
    /// Asks for the leaves of a measured environment.
    getsec, "push rbx", "xor eax, eax", "xor ebx, ebx", "getsec", "pop rbx"; out("rax") _
}
instruction! {
    /// Stops until an event.
    hlt, "hlt"
}
instruction! {
    /// Arms a monitor and waits on it.
    monitor_mwait,
    "mov rax, rsp", "xor ecx, ecx", "xor edx, edx", "monitor", "xor eax, eax", "mwait";
    out("rax") _, out("rcx") _, out("rdx") _
}
instruction! {
    /// Empties the caches without writing them back.
    invd, "invd"
}
instruction! {
    /// Writes back and empties the caches.
    wbinvd, "wbinvd"
}
instruction! {
    /// Reads a performance counter.
    rdpmc, "xor ecx, ecx", "rdpmc"; out("rax") _, out("rcx") _, out("rdx") _
}
instruction! {
    /// Sets extended control register 0 to a value without x87 state.
    xsetbv_invalid, "xor eax, eax", "xor ecx, ecx", "xor edx, edx", "xsetbv";
    out("rax") _, out("rcx") _, out("rdx") _
}
instruction! {
    /// Leaves system-management mode.
    rsm, "rsm"
}
instruction! {
    /// Clears the task-switched flag.
    clts, "clts"
}
instruction! {
    /// Spins politely.
    pause, "pause"
}
instruction! {
    /// Clears and sets the interrupt flag.
    cli_sti, "cli", "sti"
}

instruction! {
    /// Exchanges the bases of GS.
    swapgs, "swapgs"
}

/// Loads 8 bytes at an offset from the base of FS.
pub fn load_fs(offset: u64) -> u64 {
    let value;
    // SAFETY: see the module `probe`; a load can at worst fault.
    unsafe {
        asm!("mov {value}, fs:[{offset}]", value = out(reg) value, offset = in(reg) offset,
            options(nostack, readonly, preserves_flags));
    }
    value
}
