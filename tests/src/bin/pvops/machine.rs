//! Operations on registers of the machine.

use xenolith_guest::{
    check, check_eq, cpuid,
    probe::{msr, pvops as probe},
    pvops,
    scenario::Checks,
    x86_64::instructions::tables::{sgdt, sidt},
};

/// `IA32_FS_BASE`, `IA32_GS_BASE`, `IA32_KERNEL_GS_BASE`.
const BASES: [u32; 3] = [0xc000_0100, 0xc000_0101, 0xc000_0102];

/// Model-specific registers, CPUID, and what does nothing here.
pub(crate) fn check_registers(checks: &mut Checks) {
    for (register, value) in BASES.into_iter().zip([0x1234_5678_9000, 0xffff_8880_0000_1000, 7]) {
        let before = msr::read(register);
        check_eq!(checks, probe::read_msr(register), before, "read_msr {register:#x}");
        probe::write_msr(register, value);
        check_eq!(checks, msr::read(register), value, "write_msr {register:#x}");
        check_eq!(checks, probe::read_msr(register), value, "read_msr {register:#x}");
        msr::write(register, before);
    }
    let bases = BASES.map(msr::read);
    probe::swapgs();
    check_eq!(checks, BASES.map(msr::read), bases, "swapgs is the hypervisor's");
    for leaf in [0, 1, 0x4000_0000, 0x8000_0000] {
        let leaf_of_op = pvops::cpuid(leaf, 0);
        check!(
            checks,
            leaf_of_op == cpuid::read_forced(leaf, 0) || leaf < 0x4000_0000,
            "{leaf:#x}"
        );
        check!(checks, leaf_of_op.eax != 0, "leaf {leaf:#x}");
    }
    check_eq!(checks, cpuid::read(0x4000_0000, 0).signature(), *b"XenVMMXenVMM");
    check_eq!(checks, pvops::World::detect(), pvops::World::Xenolith);
    pvops::io_delay();
    pvops::wbinvd();
}

/// Descriptor tables are the hypervisor's.
pub(crate) fn check_tables(checks: &mut Checks) {
    let tables = || [sgdt(), sidt()].map(|table| (table.base, table.limit));
    let before = tables();
    probe::load_tables_of_nothing();
    check_eq!(checks, tables(), before, "descriptor tables");
}
