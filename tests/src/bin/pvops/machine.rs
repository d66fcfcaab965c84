//! Operations on registers of the machine.

use xenolith_guest::{
    check, check_eq, cpuid,
    entry::Vector,
    probe::{control::task_register, exception::catch, msr, pvops as probe},
    pvops::{self, Op},
    scenario::Checks,
    x86_64::{
        VirtAddr,
        instructions::tables::{sgdt, sidt},
        structures::DescriptorTablePointer,
    },
};

use crate::{is_bare, tally::Tally};

/// `IA32_FS_BASE`, `IA32_GS_BASE`, `IA32_KERNEL_GS_BASE`.
const BASES: [u32; 3] = [0xc000_0100, 0xc000_0101, 0xc000_0102];

/// Other bases, for these. On bare hardware the kernel's GS is in use.
const VALUES: [u64; 3] = [0x1234_5678_9000, 0xffff_8880_0000_1000, 7];

pub(crate) fn check(checks: &mut Checks, tally: &mut Tally) {
    check_registers(checks);
    check_swapgs(checks);
    check_cpuid(checks);
    check_caches(checks);
    check_tables(checks);
    tally.covers(&[Op::ReadMsr, Op::WriteMsr, Op::Swapgs, Op::Cpuid, Op::IoDelay, Op::Wbinvd]);
    tally.covers(&[Op::LoadGdt, Op::LoadIdt, Op::LoadTr]);
}

fn check_registers(checks: &mut Checks) {
    for (register, value) in BASES.into_iter().zip(VALUES) {
        let before = msr::read(register);
        check_eq!(checks, probe::read_msr(register), before, "read_msr {register:#x}");
        probe::write_msr(register, value);
        check_eq!(checks, msr::read(register), value, "write_msr {register:#x}");
        check_eq!(checks, probe::read_msr(register), value, "read_msr {register:#x}");
        msr::write(register, before);
    }
}

/// On bare hardware the two bases change places; elsewhere they are the hypervisor's to change.
fn check_swapgs(checks: &mut Checks) {
    msr::write(BASES[2], 0x7654_3210);
    let before @ [fs, gs, other] = BASES.map(msr::read);
    let expected = if is_bare() { [fs, other, gs] } else { before };
    probe::swapgs();
    let after = BASES.map(msr::read);
    if is_bare() {
        probe::swapgs();
    }
    check_eq!(checks, after, expected, "swapgs");
    check_eq!(checks, BASES.map(msr::read), before, "the bases are back");
    msr::write(BASES[2], 0);
}

/// CPUID says the same as without the operation, and the registers around it stay.
fn check_cpuid(checks: &mut Checks) {
    for (leaf, sub_leaf) in [(0, 0), (1, 0), (7, 0), (0xd, 1), (0x4000_0000, 0), (0x8000_0008, 0)] {
        let native = cpuid::read(leaf, sub_leaf);
        check_eq!(checks, pvops::cpuid(leaf, sub_leaf), native, "cpuid {leaf:#x}");
    }
    check!(checks, pvops::cpuid(0, 0).eax != 0, "there are leaves");
    if !is_bare() {
        check_eq!(checks, pvops::cpuid(0x4000_0000, 0).signature(), *b"XenVMMXenVMM");
    }
}

/// What has no effect that could be seen leaves everything as it was.
fn check_caches(checks: &mut Checks) {
    let memory = core::hint::black_box([0x5eed_u64; 64]);
    pvops::wbinvd();
    pvops::io_delay();
    check_eq!(checks, core::hint::black_box(memory), [0x5eed; 64], "memory behind wbinvd");
}

/// On bare hardware the tables are loaded; elsewhere they are the hypervisor's, and it is not even
/// looked at what they would be.
fn check_tables(checks: &mut Checks) {
    /// Limits that cover what is in use, and differ from those that are loaded.
    const GDT_LIMIT: u16 = 0xe05f;
    const IDT_LIMIT: u16 = 0x1fff;
    const SELECTOR_FAULT: Vector = Vector(13);
    let pair = |table: DescriptorTablePointer| (table.base, table.limit);
    let (gdt, idt) = (sgdt(), sidt());
    let shorter = DescriptorTablePointer { limit: GDT_LIMIT, ..gdt };
    let longer = DescriptorTablePointer { limit: IDT_LIMIT, ..idt };
    probe::load_gdt(&shorter);
    probe::load_idt(&longer);
    let expected = if is_bare() { [pair(shorter), pair(longer)] } else { [gdt, idt].map(pair) };
    check_eq!(checks, [sgdt(), sidt()].map(pair), expected, "tables");
    probe::load_gdt(&gdt);
    probe::load_idt(&idt);
    check_eq!(checks, [sgdt(), sidt()].map(pair), [gdt, idt].map(pair), "tables as they were");
    // The task state that is loaded is busy, and must not be loaded again.
    let task = task_register();
    let fault = catch(|| probe::load_tr(task)).map(|seen| (seen.cause(), seen.error_code));
    let busy = scenarios::programs::exception(SELECTOR_FAULT.0);
    check_eq!(checks, fault, is_bare().then_some((busy, task.into())), "load_tr");
    check_eq!(checks, task_register(), task, "the task register");
    if !is_bare() {
        let nothing = DescriptorTablePointer { limit: 0, base: VirtAddr::zero() };
        probe::load_gdt(&nothing);
        probe::load_idt(&nothing);
        check_eq!(checks, [sgdt(), sidt()].map(pair), expected, "tables of nothing");
    }
}
