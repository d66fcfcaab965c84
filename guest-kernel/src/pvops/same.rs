//! Operations that are the same in both worlds: one instruction, or none.
//!
//! They are operations all the same, so that a world where they differ changes no caller.

use super::alternative::alternative;

alternative! {
    /// The identity: nothing at all when patched.
    make_pte: MakePte in Both, []
}

alternative! {
    /// The identity: nothing at all when patched.
    pte_val: PteVal in Both, []
}

alternative! {
    /// Page tables are the kernel's own (docs/abi.md).
    set_pte: SetPte in Both, ["mov [rdi], rsi"]
}

alternative! {
    /// CR3 is as on hardware.
    read_cr3: ReadCr3 in Both, ["mov rax, cr3"]
}

alternative! {
    /// A table that is in use has all it needs to be loaded again.
    flush_tlb: FlushTlb in Both, ["mov rax, cr3", "mov cr3, rax"]
}

alternative! {
    /// INVLPG is as on hardware.
    flush_tlb_one: FlushTlbOne in Both, ["invlpg [rdi]"]
}

alternative! {
    /// Under Xenolith some end in the hypervisor, by the same instruction.
    read_msr: ReadMsr in Both, ["rdmsr"]
}

alternative! {
    /// As for reading.
    write_msr: WriteMsr in Both, ["wrmsr"]
}

alternative! {
    /// RBX is the compiler's.
    cpuid: Cpuid in Both, ["mov rsi, rbx", "cpuid", "xchg rsi, rbx"]
}
