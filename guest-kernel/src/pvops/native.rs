//! The operations on bare hardware. Those on interrupts are `interrupts::processor_flag`.

use core::mem::offset_of;

use super::{
    Op, World,
    alternative::alternative,
    interrupts::processor_flag,
    same,
    table::{Entries, Entry},
};
use crate::entry::Frame;

/// Offsets from the word `cause`, where RSP is at sites of [`Op::Iret`].
const RCX: usize = offset_of!(Frame, rcx) - offset_of!(Frame, cause);
const R11: usize = offset_of!(Frame, r11) - offset_of!(Frame, cause);
const RIP: usize = offset_of!(Frame, rip) - offset_of!(Frame, cause);
const CS: usize = offset_of!(Frame, cs) - offset_of!(Frame, cause);
const RFLAGS: usize = offset_of!(Frame, rflags) - offset_of!(Frame, cause);
const RSP: usize = offset_of!(Frame, rsp) - offset_of!(Frame, cause);

/// Bits of an address of the lower half, with four levels of page tables.
const CANONICAL_BITS: u32 = 47;

/// TF and RF.
const NOT_BY_SYSRET: u32 = 1 << 8 | 1 << 16;

alternative! {
    /// A process gets its own GS back.
    iret: Iret in Native,
    [
        "mov rcx, [rsp + {rcx}]",
        "mov r11, [rsp + {r11}]",
        "test byte ptr [rsp + {cs}], 3",
        "je 4f",
        "swapgs",
        "4: add rsp, {rip}",
        "iretq",
    ],
    rcx = const RCX,
    r11 = const R11,
    cs = const CS,
    rip = const RIP,
}

alternative! {
    /// Interrupts are disabled, and what comes nevertheless has a stack of its own: from the load of
    /// RSP on, the stack is the process's, and behind SWAPGS so is GS.
    ///
    /// SYSRET to an address that is not a process's would fault in ring 0, on the process's stack; it
    /// does not load RF, and with TF it would trap before the process has gone on. That is IRETQ's.
    usergs_sysret64: UsergsSysret64 in Native,
    [
        "mov rcx, [rsp + {rip}]",
        "mov r11, rcx",
        "shr r11, {canonical_bits}",
        "mov r11, [rsp + {rflags}]",
        "jne 4f",
        "test r11d, {not_by_sysret}",
        "jne 4f",
        "mov rsp, [rsp + {rsp}]",
        "swapgs",
        "sysretq",
        "4: add rsp, {rip}",
        "swapgs",
        "iretq",
    ],
    rip = const RIP,
    canonical_bits = const CANONICAL_BITS,
    rflags = const RFLAGS,
    not_by_sysret = const NOT_BY_SYSRET,
    rsp = const RSP,
}

alternative! {
    swapgs: Swapgs in Native, ["swapgs"]
}

alternative! {
    read_cr2: ReadCr2 in Native, ["mov rax, cr2"]
}

alternative! {
    write_cr3: WriteCr3 in Native, ["mov cr3, rdi"]
}

alternative! {
    wbinvd: Wbinvd in Native, ["wbinvd"]
}

alternative! {
    load_gdt: LoadGdt in Native, ["lgdt [rdi]"]
}

alternative! {
    load_idt: LoadIdt in Native, ["lidt [rdi]"]
}

alternative! {
    load_tr: LoadTr in Native, ["ltr di"]
}

alternative! {
    /// A write to the port of diagnostic codes takes as long as the slow bus.
    io_delay: IoDelay in Native, ["out 0x80, al"]
}

const fn entry(op: Op, function: *const ()) -> Entry {
    Entry::new(World::Native, op, function)
}

/// The functions of this world.
#[expect(clippy::fn_to_numeric_cast_any, reason = "functions of several types, as addresses")]
#[used]
#[unsafe(link_section = ".pvops.functions")]
pub(super) static ENTRIES: Entries = Entries::new(
    processor_flag::BACK_END.entries(World::Native),
    &[
        entry(Op::Iret, iret as *const ()),
        entry(Op::UsergsSysret64, usergs_sysret64 as *const ()),
        entry(Op::Swapgs, swapgs as *const ()),
        entry(Op::ReadCr2, read_cr2 as *const ()),
        entry(Op::ReadCr3, same::read_cr3 as *const ()),
        entry(Op::WriteCr3, write_cr3 as *const ()),
        entry(Op::FlushTlb, same::flush_tlb as *const ()),
        entry(Op::FlushTlbOne, same::flush_tlb_one as *const ()),
        entry(Op::Wbinvd, wbinvd as *const ()),
        entry(Op::MakePte, same::make_pte as *const ()),
        entry(Op::PteVal, same::pte_val as *const ()),
        entry(Op::SetPte, same::set_pte as *const ()),
        entry(Op::LoadGdt, load_gdt as *const ()),
        entry(Op::LoadIdt, load_idt as *const ()),
        entry(Op::LoadTr, load_tr as *const ()),
        entry(Op::ReadMsr, same::read_msr as *const ()),
        entry(Op::WriteMsr, same::write_msr as *const ()),
        entry(Op::Cpuid, same::cpuid as *const ()),
        entry(Op::IoDelay, io_delay as *const ()),
    ],
);

const _: () = assert!(ENTRIES.is_in_order());
