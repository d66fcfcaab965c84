//! The operations under Xenolith: on the record of the vCPU (`vcpu_info`), or by hypercalls.
//!
//! Alternatives have the record's address in their instructions, which costs nothing; functions of
//! the table ask where it is each time. `docs/interrupt-flag.md` says what the first four have to do.

mod anywhere;

use core::mem::offset_of;

use xenolith_abi::{
    hypercall::IRET,
    shared_info::{ArchVcpuInfo, VcpuInfo},
};

use super::{
    Op, World,
    alternative::{alternative, in_record, to_outside},
    calls, same,
    table::{Entries, Entry},
};
use crate::{entry::Frame, irq::Flags};

const MASK: usize = offset_of!(VcpuInfo, evtchn_upcall_mask);
const PENDING: usize = offset_of!(VcpuInfo, evtchn_upcall_pending);
const CR2: usize = offset_of!(VcpuInfo, arch) + offset_of!(ArchVcpuInfo, cr2);

/// Offsets from the word `cause`, where RSP is at sites of [`Op::Iret`].
const RCX: usize = offset_of!(Frame, rcx) - offset_of!(Frame, cause);
const R11: usize = offset_of!(Frame, r11) - offset_of!(Frame, cause);

/// `VGCF_in_syscall`: RCX and R11 are not restored (`xen/arch-x86/xen-x86_64.h`).
const IN_SYSCALL: u64 = 1 << 8;

alternative! {
    irq_disable: IrqDisable in Xenolith,
    ["mov byte ptr [{mask}], 1", in_record!(1)],
    mask = const MASK,
}

alternative! {
    irq_enable: IrqEnable in Xenolith,
    [
        "mov byte ptr [{mask}], 0", in_record!(1),
        "cmp byte ptr [{pending}], 0", in_record!(1),
        "je 4f",
        "call {force_upcall}", to_outside!(),
        "4:",
    ],
    mask = const MASK,
    pending = const PENDING,
    force_upcall = sym anywhere::force_upcall,
}

alternative! {
    /// The comparison borrows if the mask is zero, and only then.
    save_fl: SaveFl in Xenolith,
    [
        "cmp byte ptr [{mask}], 1", in_record!(1),
        "sbb eax, eax",
        "and eax, {interrupt_flag}",
    ],
    mask = const MASK,
    interrupt_flag = const Flags::IF.bits(),
}

alternative! {
    restore_fl: RestoreFl in Xenolith,
    [
        "test edi, {interrupt_flag}",
        "je 4f",
        "mov byte ptr [{mask}], 0", in_record!(1),
        "cmp byte ptr [{pending}], 0", in_record!(1),
        "je 4f",
        "call {force_upcall}", to_outside!(),
        "4:",
    ],
    mask = const MASK,
    pending = const PENDING,
    interrupt_flag = const Flags::IF.bits(),
    force_upcall = sym anywhere::force_upcall,
}

alternative! {
    ordinary safe_halt: SafeHalt in Xenolith, ["call {block}", to_outside!()],
    block = sym calls::safe_halt,
}

alternative! {
    /// The `iret` hypercall, made inline. It restores the event mask together with the registers, and
    /// when an event waits it becomes the next upcall in place, on the same stack.
    ///
    /// ```text
    /// cause rcx r11 error_code rip ...   →   rax r11 rcx flags=0 rip ...   (`iret_context`)
    /// ```
    iret: Iret in Xenolith,
    [
        "mov rcx, [rsp + {rcx}]",
        "mov r11, [rsp + {r11}]",
        "mov [rsp], rax",
        "mov [rsp + 8], r11",
        "mov [rsp + 16], rcx",
        "mov qword ptr [rsp + 24], 0",
        "mov eax, {iret}",
        "syscall",
    ],
    rcx = const RCX,
    r11 = const R11,
    iret = const IRET,
}

alternative! {
    /// The same with the flag that a system call is left.
    usergs_sysret64: UsergsSysret64 in Xenolith,
    ["mov [rsp], rax", "mov qword ptr [rsp + 24], {in_syscall}", "mov eax, {iret}", "syscall"],
    in_syscall = const IN_SYSCALL,
    iret = const IRET,
}

alternative! {
    /// The hypervisor exchanges the bases itself.
    swapgs: Swapgs in Xenolith, []
}

alternative! {
    read_cr2: ReadCr2 in Xenolith, ["mov rax, [{cr2}]", in_record!(0)],
    cr2 = const CR2,
}

alternative! {
    ordinary write_cr3: WriteCr3 in Xenolith, ["call {write_cr3}", to_outside!()],
    write_cr3 = sym calls::write_cr3,
}

alternative! {
    /// Without devices, memory is what caches say.
    wbinvd: Wbinvd in Xenolith, []
}

alternative! {
    /// The tables are the hypervisor's.
    load_gdt: LoadGdt in Xenolith, []
}

alternative! {
    load_idt: LoadIdt in Xenolith, []
}

alternative! {
    load_tr: LoadTr in Xenolith, []
}

alternative! {
    /// There are no devices.
    io_delay: IoDelay in Xenolith, []
}

const fn entry(op: Op, function: *const ()) -> Entry {
    Entry::new(World::Xenolith, op, function)
}

/// The functions of this world.
#[expect(clippy::fn_to_numeric_cast_any, reason = "functions of several types, as addresses")]
#[used]
#[unsafe(link_section = ".pvops.functions")]
pub(super) static ENTRIES: Entries = Entries([
    entry(Op::IrqDisable, anywhere::irq_disable as *const ()),
    entry(Op::IrqEnable, anywhere::irq_enable as *const ()),
    entry(Op::SaveFl, anywhere::save_fl as *const ()),
    entry(Op::RestoreFl, anywhere::restore_fl as *const ()),
    entry(Op::SafeHalt, calls::safe_halt as *const ()),
    entry(Op::Iret, iret as *const ()),
    entry(Op::UsergsSysret64, usergs_sysret64 as *const ()),
    entry(Op::Swapgs, swapgs as *const ()),
    entry(Op::ReadCr2, anywhere::read_cr2 as *const ()),
    entry(Op::ReadCr3, same::read_cr3 as *const ()),
    entry(Op::WriteCr3, calls::write_cr3 as *const ()),
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
]);

const _: () = assert!(ENTRIES.is_in_order());

/// Alternatives that are no functions of the table: nothing else keeps them.
#[used]
static TEMPLATES: [unsafe extern "C" fn(); 7] =
    [irq_disable, irq_enable, save_fl, restore_fl, safe_halt, read_cr2, write_cr3];
