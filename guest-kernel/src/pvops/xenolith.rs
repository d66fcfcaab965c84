//! The operations under Xenolith: on the record of the vCPU (`vcpu_info`), or by hypercalls. Those on
//! interrupts are `interrupts::event_mask`.

use core::mem::offset_of;

use xenolith_abi::{
    hypercall::IRET,
    shared_info::{ArchVcpuInfo, VcpuInfo},
};

use super::{
    Op, World,
    alternative::{alternative, function, in_record, to_outside},
    calls,
    interrupts::event_mask,
    same,
    table::{Entries, Entry},
};
use crate::{entry::Frame, shared_info::RECORDS};

const CR2: usize = offset_of!(VcpuInfo, arch) + offset_of!(ArchVcpuInfo, cr2);

/// Offsets from the word `cause`, where RSP is at sites of [`Op::Iret`].
const RCX: usize = offset_of!(Frame, rcx) - offset_of!(Frame, cause);
const R11: usize = offset_of!(Frame, r11) - offset_of!(Frame, cause);

/// `VGCF_in_syscall`: RCX and R11 are not restored (`xen/arch-x86/xen-x86_64.h`).
const IN_SYSCALL: u64 = 1 << 8;

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

function! {
    /// For the table: asks where the record is each time.
    read_cr2_anywhere: ["mov rax, [rip + {record}]", "mov rax, [rax + {cr2}]", "ret"],
    record = sym RECORDS,
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
pub(super) static ENTRIES: Entries = Entries::new(
    event_mask::BACK_END.entries(World::Xenolith),
    &[
        entry(Op::Iret, iret as *const ()),
        entry(Op::UsergsSysret64, usergs_sysret64 as *const ()),
        entry(Op::Swapgs, swapgs as *const ()),
        entry(Op::ReadCr2, read_cr2_anywhere as *const ()),
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
    ],
);

const _: () = assert!(ENTRIES.is_in_order());

/// Alternatives that are no functions of the table: nothing else keeps them.
#[used]
static TEMPLATES: [unsafe extern "C" fn(); 2] = [read_cr2, write_cr3];
