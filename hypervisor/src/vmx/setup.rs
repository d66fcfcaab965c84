//! The first contents of a VMCS.

use super::switch;
use super::vmcs::CurrentVmcs;
use crate::boot::BootError;
use crate::cpu::HostState;
use crate::memory::{Memory, direct};
use x86_64::registers::model_specific::Msr;
use xenolith_abi::segment::FLAT_RING3_DS64;
use xenolith_abi::xenolith::{KERNEL_CS, KERNEL_SS};
use xenolith_core::address::{Gpa, Gva, Hpa, PAGE_SIZE};
use xenolith_core::emulate::control_register as cr;
use xenolith_core::emulate::msr;
use xenolith_core::hole::{GDT_LIMIT, Hole, IDT_LIMIT, LDT_SELECTOR, TASK_BYTES, TASK_SELECTOR};
use xenolith_core::resident::Header;
use xenolith_core::vmx::capability::Capabilities;
use xenolith_core::vmx::field::{self, Field, Natural, ReadWrite};

/// With what a vCPU starts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Initial {
    /// The kernel's entry point.
    pub(crate) rip: Gva,
    /// Its boot stack.
    pub(crate) rsp: Gva,
    /// start_info.
    pub(crate) rsi: Gva,
    /// Its top-level page table.
    pub(crate) cr3: Gpa,
    /// Where the resident and its tables are.
    pub(crate) hole: Hole,
    /// The translation of its guest-physical memory.
    pub(crate) ept_pointer: u64,
    /// Whether the CPU has XSAVE, which the guest then finds switched on.
    pub(crate) osxsave: bool,
}

/// Present, ring 0, code, readable, accessed, 64-bit, 4 KiB granularity.
const CODE_ACCESS_RIGHTS: u32 = 0xa09b;
/// Present, ring 0, data, writable, accessed, 4 KiB granularity.
const DATA_ACCESS_RIGHTS: u32 = 0xc093;
/// Present, busy 64-bit TSS.
const TASK_ACCESS_RIGHTS: u32 = 0x8b;
/// The segment register holds the null selector.
const UNUSABLE: u32 = 1 << 16;
const NO_LIMIT: u32 = u32::MAX;
/// SCE, LME, LMA, NXE.
const GUEST_EFER: u64 = 0xd01;
const RFLAGS: u64 = 0x202;
const DR7: u64 = 0x400;
const NO_SHADOW_VMCS: u64 = u64::MAX;
/// The VPID of the one vCPU; 0 is the hypervisor's own.
const VPID: u16 = 1;

type Rw<T> = Field<T, ReadWrite>;

fn put<T: field::Width>(vmcs: &mut CurrentVmcs, fields: &[(Rw<T>, T)]) {
    for &(field, value) in fields {
        // SAFETY: this module writes host state as the CPU has it, and controls as `core` settled
        // them; guest state cannot hurt anybody but the guest.
        unsafe { vmcs.write(field, value) };
    }
}

/// Writes what the CPU runs with after an exit: what it runs with now.
pub(super) fn host_state(vmcs: &mut CurrentVmcs, host: &HostState) {
    let selectors = &host.selectors;
    put(
        vmcs,
        &[
            (field::HOST_CS_SELECTOR, selectors.code.0),
            (field::HOST_SS_SELECTOR, selectors.data.0),
            (field::HOST_TR_SELECTOR, selectors.task.0),
            (field::HOST_DS_SELECTOR, 0),
            (field::HOST_ES_SELECTOR, 0),
            (field::HOST_FS_SELECTOR, 0),
            (field::HOST_GS_SELECTOR, 0),
        ],
    );
    put(vmcs, &[(field::HOST_SYSENTER_CS, 0)]);
    put(vmcs, &[(field::HOST_PAT, host.pat), (field::HOST_EFER, host.efer)]);
    #[expect(clippy::fn_to_numeric_cast_any, reason = "the CPU wants a linear address")]
    let exit = switch::exit as *const ();
    put(
        vmcs,
        &[
            (field::HOST_CR0, Natural(host.cr0)),
            (field::HOST_CR3, Natural(host.cr3)),
            (field::HOST_CR4, Natural(host.cr4)),
            (field::HOST_FS_BASE, Natural(0)),
            (field::HOST_GS_BASE, Natural(0)),
            (field::HOST_TR_BASE, Natural(host.task_base)),
            (field::HOST_GDTR_BASE, Natural(host.gdt_base)),
            (field::HOST_IDTR_BASE, Natural(host.idt_base)),
            (field::HOST_SYSENTER_ESP, Natural(0)),
            (field::HOST_SYSENTER_EIP, Natural(0)),
            (field::HOST_RIP, Natural(xenolith_core::address::to_u64(exit.addr()))),
        ],
    );
}

/// Writes the controls, with bitmaps that let no port and only the guest's own MSRs through.
///
/// # Errors
///
/// When memory is used up.
pub(super) fn controls(
    vmcs: &mut CurrentVmcs,
    capabilities: &Capabilities,
    memory: &mut Memory,
    ept_pointer: u64,
) -> Result<(), BootError> {
    let ports = full_bitmap(memory, 2 * PAGE_SIZE)?;
    let msrs = msr_bitmap(memory, capabilities)?;
    put(vmcs, &[(field::VPID, VPID)]);
    put(
        vmcs,
        &[
            (field::IO_BITMAP_A, ports.0),
            (field::IO_BITMAP_B, ports.0 + PAGE_SIZE),
            (field::MSR_BITMAP, msrs.0),
            (field::EPT_POINTER, ept_pointer),
            (field::VMCS_LINK_POINTER, NO_SHADOW_VMCS),
        ],
    );
    put(
        vmcs,
        &[
            (field::PIN_BASED_CONTROLS, capabilities.pin),
            (field::PROCESSOR_CONTROLS, capabilities.processor),
            (field::SECONDARY_CONTROLS, capabilities.secondary),
            (field::EXIT_CONTROLS, capabilities.exit),
            (field::ENTRY_CONTROLS, capabilities.entry),
            (field::EXCEPTION_BITMAP, exception_bitmap(0)),
            (field::PAGE_FAULT_ERROR_CODE_MASK, 0),
            (field::PAGE_FAULT_ERROR_CODE_MATCH, 0),
            (field::CR3_TARGET_COUNT, 0),
            (field::EXIT_MSR_STORE_COUNT, 0),
            (field::EXIT_MSR_LOAD_COUNT, 0),
            (field::ENTRY_MSR_LOAD_COUNT, 0),
            (field::ENTRY_INTERRUPTION_INFO, 0),
        ],
    );
    Ok(())
}

/// Returns the exceptions that exit when the guest handles those in `handled` itself.
///
/// Some exit all the same: double faults and machine checks are root's, and a guest that could make
/// the CPU deliver debug exceptions or alignment checks for ever would never come back.
pub(super) const fn exception_bitmap(handled: u32) -> u32 {
    const DEBUG: u32 = 1 << 1;
    const DOUBLE_FAULT: u32 = 1 << 8;
    const ALIGNMENT_CHECK: u32 = 1 << 17;
    const MACHINE_CHECK: u32 = 1 << 18;
    !handled | DEBUG | DOUBLE_FAULT | ALIGNMENT_CHECK | MACHINE_CHECK
}

/// The flags that SYSCALL clears: AC, NT, IOPL, DF, TF. Not IF, for the reason that
/// `core::hole::gate` has.
pub(super) const SYSCALL_CLEARS: u64 = 0x4_7500;

const LSTAR: u32 = 0xc000_0082;

/// Lets SYSCALL lead to `entry` in the resident.
pub(super) fn set_system_call_entry(entry: u64) {
    // SAFETY: no code of the hypervisor executes SYSCALL; the entry is canonical.
    unsafe { Msr::new(LSTAR).write(entry) };
}

/// Lets SYSCALL lead to the resident. The hypervisor has no system calls of its own, so the MSRs
/// stay the guest's while it runs.
pub(super) fn system_call(hole: &Hole, header: &Header) {
    const STAR: u32 = 0xc000_0081;
    const CSTAR: u32 = 0xc000_0083;
    const FMASK: u32 = 0xc000_0084;
    let entry = hole.text().0 + u64::from(header.syscall);
    let selectors = u64::from(KERNEL_CS) << 32;
    for (msr, value) in [(STAR, selectors), (LSTAR, entry), (CSTAR, entry), (FMASK, SYSCALL_CLEARS)]
    {
        // SAFETY: no code of the hypervisor executes SYSCALL; the entry is canonical.
        unsafe { Msr::new(msr).write(value) };
    }
}

fn full_bitmap(memory: &mut Memory, bytes: u64) -> Result<Hpa, BootError> {
    let bitmap = memory.allocate_zeroed(bytes, PAGE_SIZE).ok_or(BootError::OutOfMemory)?;
    let len = xenolith_core::address::to_usize(bytes);
    // SAFETY: the memory has just been allocated for this.
    unsafe { direct::<u8>(bitmap).write_bytes(0xff, len) };
    Ok(bitmap)
}

fn msr_bitmap(memory: &mut Memory, capabilities: &Capabilities) -> Result<Hpa, BootError> {
    const WRITES: usize = 2048;
    let bitmap = full_bitmap(memory, PAGE_SIZE)?;
    let owned = if capabilities.has_rdtscp() { 4 } else { 3 };
    for (byte, bit) in msr::GUEST_OWNED.iter().take(owned).filter_map(|m| msr::bitmap_position(*m))
    {
        for offset in [byte, byte + WRITES] {
            // SAFETY: positions lie within the page.
            let place = unsafe { direct::<u8>(bitmap).add(offset) };
            // SAFETY: the page is this function's until it returns.
            let old = unsafe { place.read() };
            // SAFETY: as above.
            unsafe { place.write(old & !bit) };
        }
    }
    Ok(bitmap)
}

/// Writes the state in which the guest starts.
pub(super) fn guest_state(vmcs: &mut CurrentVmcs, initial: &Initial) {
    segments(vmcs, initial);
    let cr4 = cr::CR4_AT_ENTRY | if initial.osxsave { cr::CR4_OSXSAVE } else { 0 };
    put(
        vmcs,
        &[
            (field::GUEST_CR0, Natural(cr::CR0_AT_ENTRY)),
            (field::CR0_SHADOW, Natural(cr::CR0_AT_ENTRY)),
            (field::CR0_MASK, Natural(!cr::CR0_GUEST_OWNED)),
            (field::GUEST_CR3, Natural(initial.cr3.0)),
            (field::GUEST_CR4, Natural(cr4 | cr::CR4_VMXE)),
            (field::CR4_SHADOW, Natural(cr4)),
            (field::CR4_MASK, Natural(!cr::CR4_GUEST_OWNED)),
            (field::GUEST_RIP, Natural(initial.rip.0)),
            (field::GUEST_RSP, Natural(initial.rsp.0)),
            (field::GUEST_RFLAGS, Natural(RFLAGS)),
            (field::GUEST_DR7, Natural(DR7)),
            (field::GUEST_PENDING_DEBUG, Natural(0)),
            (field::GUEST_SYSENTER_ESP, Natural(0)),
            (field::GUEST_SYSENTER_EIP, Natural(0)),
        ],
    );
    put(
        vmcs,
        &[
            (field::GUEST_EFER, GUEST_EFER),
            (field::GUEST_PAT, msr::PAT_SHOWN),
            (field::GUEST_DEBUGCTL, 0),
        ],
    );
    put(
        vmcs,
        &[
            (field::GUEST_INTERRUPTIBILITY, 0),
            (field::GUEST_ACTIVITY, 0),
            (field::GUEST_SYSENTER_CS, 0),
        ],
    );
}

fn segments(vmcs: &mut CurrentVmcs, initial: &Initial) {
    put(
        vmcs,
        &[
            (field::GUEST_CS_SELECTOR, KERNEL_CS),
            (field::GUEST_SS_SELECTOR, KERNEL_SS),
            (field::GUEST_DS_SELECTOR, FLAT_RING3_DS64),
            (field::GUEST_ES_SELECTOR, FLAT_RING3_DS64),
            (field::GUEST_FS_SELECTOR, FLAT_RING3_DS64),
            (field::GUEST_GS_SELECTOR, FLAT_RING3_DS64),
            (field::GUEST_LDTR_SELECTOR, 0),
            (field::GUEST_TR_SELECTOR, TASK_SELECTOR),
        ],
    );
    put(
        vmcs,
        &[
            (field::GUEST_CS_LIMIT, NO_LIMIT),
            (field::GUEST_SS_LIMIT, NO_LIMIT),
            (field::GUEST_DS_LIMIT, NO_LIMIT),
            (field::GUEST_ES_LIMIT, NO_LIMIT),
            (field::GUEST_FS_LIMIT, NO_LIMIT),
            (field::GUEST_GS_LIMIT, NO_LIMIT),
            (field::GUEST_LDTR_LIMIT, 0),
            (field::GUEST_TR_LIMIT, TASK_BYTES - 1),
            (field::GUEST_GDTR_LIMIT, GDT_LIMIT),
            (field::GUEST_IDTR_LIMIT, IDT_LIMIT),
            (field::GUEST_CS_ACCESS_RIGHTS, CODE_ACCESS_RIGHTS),
            (field::GUEST_SS_ACCESS_RIGHTS, DATA_ACCESS_RIGHTS),
            (field::GUEST_DS_ACCESS_RIGHTS, UNUSABLE),
            (field::GUEST_ES_ACCESS_RIGHTS, UNUSABLE),
            (field::GUEST_FS_ACCESS_RIGHTS, UNUSABLE),
            (field::GUEST_GS_ACCESS_RIGHTS, UNUSABLE),
            (field::GUEST_LDTR_ACCESS_RIGHTS, UNUSABLE),
            (field::GUEST_TR_ACCESS_RIGHTS, TASK_ACCESS_RIGHTS),
        ],
    );
    put(
        vmcs,
        &[
            (field::GUEST_CS_BASE, Natural(0)),
            (field::GUEST_SS_BASE, Natural(0)),
            (field::GUEST_DS_BASE, Natural(0)),
            (field::GUEST_ES_BASE, Natural(0)),
            (field::GUEST_FS_BASE, Natural(0)),
            (field::GUEST_GS_BASE, Natural(0)),
            (field::GUEST_LDTR_BASE, Natural(0)),
            (field::GUEST_TR_BASE, Natural(initial.hole.task().0)),
            (field::GUEST_GDTR_BASE, Natural(initial.hole.group().0)),
            (field::GUEST_IDTR_BASE, Natural(initial.hole.idt().0)),
        ],
    );
}

/// Loads the local descriptor table of a guest; with no entries there is none.
pub(super) fn local_descriptors(vmcs: &mut CurrentVmcs, base: Gva, entries: u16) {
    const PRESENT_LDT: u32 = 0x82;
    let (selector, rights, limit) = match (u32::from(entries) * 8).checked_sub(1) {
        Some(limit) => (LDT_SELECTOR, PRESENT_LDT, limit),
        None => (0, UNUSABLE, 0),
    };
    put(vmcs, &[(field::GUEST_LDTR_SELECTOR, selector)]);
    let words = [(field::GUEST_LDTR_ACCESS_RIGHTS, rights), (field::GUEST_LDTR_LIMIT, limit)];
    put(vmcs, &words);
    put(vmcs, &[(field::GUEST_LDTR_BASE, Natural(base.0))]);
}
