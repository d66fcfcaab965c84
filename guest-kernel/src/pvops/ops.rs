//! The operations as functions, each of one site.

use x86_64::{PhysAddr, VirtAddr, structures::DescriptorTablePointer};

use super::site::site;
use crate::{cpuid::Leaf, irq::Flags};

/// Disables interrupts or events.
#[inline(always)]
pub fn irq_disable() {
    // SAFETY: what relies on interrupts is nobody's memory; without `nomem`, so that what follows
    // stays behind it.
    unsafe { site!(IrqDisable, in [], inout [], out [], changes []) }
}

/// Enables interrupts or events; those that wait come first.
#[inline(always)]
pub fn irq_enable() {
    // SAFETY: handlers keep to what interrupted code relies on.
    unsafe { site!(IrqEnable, in [], inout [], out [], changes [flags]) }
}

/// Returns [`Flags::IF`] if interrupts or events are enabled, else 0.
#[inline(always)]
pub fn save_fl() -> Flags {
    let flags;
    // SAFETY: it only looks.
    unsafe { site!(SaveFl, in [], inout [], out ["rax" => flags], changes [flags]) }
    Flags::from_bits(flags)
}

/// Enables interrupts or events if IF is set in `flags`; otherwise leaves them as they are.
#[inline(always)]
pub fn restore_fl(flags: Flags) {
    // SAFETY: as for `irq_enable`.
    unsafe { site!(RestoreFl, in ["rdi" = flags.bits()], inout [], out [], changes [flags]) }
}

/// Enables interrupts or events and waits for one. To be called with them disabled.
#[inline(always)]
pub fn safe_halt() {
    // SAFETY: as for `irq_enable`.
    unsafe {
        site!(SafeHalt, in [], inout [], out [],
            changes [flags, "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11"]);
    }
}

/// Exchanges the bases of GS, where the kernel has to.
///
/// # Safety
///
/// What is reached through GS until the next exchange must be the other mode's.
#[inline(always)]
pub unsafe fn swapgs() {
    // SAFETY: promised by the caller.
    unsafe { site!(Swapgs, in [], inout [], out [], changes []) }
}

/// Returns the address of the last page fault.
#[inline(always)]
pub fn read_cr2() -> u64 {
    let address;
    // SAFETY: it only looks.
    unsafe { site!(ReadCr2, in [], inout [], out ["rax" => address], changes [flags]) }
    address
}

/// Returns CR3: the address of the top-level table, and bits below it.
#[inline(always)]
pub fn read_cr3() -> u64 {
    let value;
    // SAFETY: it only looks.
    unsafe { site!(ReadCr3, in [], inout [], out ["rax" => value], changes [flags]) }
    value
}

/// Loads a top-level page table.
///
/// # Panics
///
/// Under Xenolith, if its frame is not the domain's.
///
/// # Safety
///
/// It must map what the kernel uses.
#[inline(always)]
pub unsafe fn write_cr3(root: PhysAddr) {
    let changed: u64;
    // SAFETY: promised by the caller.
    unsafe {
        site!(WriteCr3, in [], inout ["rdi" = root.as_u64() => changed], out [],
            changes [flags, "rax", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11"]);
    }
    let _ = changed;
}

/// Flushes this CPU's translations that are not global.
#[inline(always)]
pub fn flush_tlb() {
    // SAFETY: translations are read again from the tables.
    unsafe { site!(FlushTlb, in [], inout [], out [], changes [flags, "rax"]) }
}

/// Flushes this CPU's translation of an address.
#[inline(always)]
pub fn flush_tlb_one(address: VirtAddr) {
    // SAFETY: as for `flush_tlb`.
    unsafe { site!(FlushTlbOne, in ["rdi" = address.as_u64()], inout [], out [], changes []) }
}

/// Writes back and invalidates the caches.
#[inline(always)]
pub fn wbinvd() {
    // SAFETY: memory keeps what it holds.
    unsafe { site!(Wbinvd, in [], inout [], out [], changes []) }
}

/// Returns the page-table entry for a value, with frames as the kernel numbers them.
#[inline(always)]
pub fn make_pte(value: u64) -> u64 {
    let entry;
    // SAFETY: it only computes.
    unsafe { site!(MakePte, in [], inout ["rax" = value => entry], out [], changes []) }
    entry
}

/// Returns the value of a page-table entry, with frames as the kernel numbers them.
#[inline(always)]
pub fn pte_val(entry: u64) -> u64 {
    let value;
    // SAFETY: it only computes.
    unsafe { site!(PteVal, in [], inout ["rax" = entry => value], out [], changes []) }
    value
}

/// Stores a page-table entry.
///
/// # Safety
///
/// `at` must be an entry of a table, and what it maps must fit what is known of that memory.
#[inline(always)]
pub unsafe fn set_pte(at: *mut u64, entry: u64) {
    // SAFETY: promised by the caller.
    unsafe { site!(SetPte, in ["rdi" = at, "rsi" = entry], inout [], out [], changes []) }
}

/// Loads the global descriptor table, where the kernel has one of its own: not under Xenolith.
///
/// # Safety
///
/// The table must stay and hold what the selectors in use need.
#[inline(always)]
pub unsafe fn load_gdt(table: &DescriptorTablePointer) {
    // SAFETY: promised by the caller.
    unsafe { site!(LoadGdt, in ["rdi" = &raw const *table], inout [], out [], changes []) }
}

/// Loads the interrupt descriptor table, where the kernel has one of its own: not under Xenolith.
///
/// # Safety
///
/// The table must stay, and its entries must take what comes.
#[inline(always)]
pub unsafe fn load_idt(table: &DescriptorTablePointer) {
    // SAFETY: promised by the caller.
    unsafe { site!(LoadIdt, in ["rdi" = &raw const *table], inout [], out [], changes []) }
}

/// Loads the task register, where the kernel has a task state of its own: not under Xenolith.
///
/// # Safety
///
/// The selector must name a task state that stays.
#[inline(always)]
pub unsafe fn load_tr(selector: u16) {
    // SAFETY: promised by the caller.
    unsafe { site!(LoadTr, in ["rdi" = u64::from(selector)], inout [], out [], changes []) }
}

/// Reads a model-specific register.
///
/// # Safety
///
/// It must exist, or a handler for the general-protection fault: see `docs/abi.md`.
#[inline(always)]
pub unsafe fn read_msr(register: u32) -> u64 {
    let (low, high): (u32, u32);
    // SAFETY: promised by the caller.
    unsafe {
        site!(ReadMsr, in ["ecx" = register], inout [], out ["eax" => low, "edx" => high],
            changes []);
    }
    u64::from(high) << 32 | u64::from(low)
}

/// Writes a model-specific register.
///
/// # Safety
///
/// It must exist and take the value, and nothing may rely on the old one.
#[inline(always)]
pub unsafe fn write_msr(register: u32, value: u64) {
    let [b0, b1, b2, b3, b4, b5, b6, b7] = value.to_le_bytes();
    let (low, high) = (u32::from_le_bytes([b0, b1, b2, b3]), u32::from_le_bytes([b4, b5, b6, b7]));
    // SAFETY: promised by the caller.
    unsafe {
        site!(WriteMsr, in ["ecx" = register, "eax" = low, "edx" = high], inout [], out [],
            changes []);
    }
}

/// Executes CPUID for a leaf and sub-leaf.
#[inline(always)]
pub fn cpuid(leaf: u32, sub_leaf: u32) -> Leaf {
    let (eax, ebx, ecx, edx);
    // SAFETY: it changes nothing but registers.
    unsafe {
        site!(Cpuid, in [], inout ["eax" = leaf => eax, "ecx" = sub_leaf => ecx],
            out ["esi" => ebx, "edx" => edx], changes []);
    }
    Leaf { eax, ebx, ecx, edx }
}

/// Waits as long as slow devices need between two accesses.
#[inline(always)]
pub fn io_delay() {
    // SAFETY: nothing listens at that port.
    unsafe { site!(IoDelay, in [], inout [], out [], changes []) }
}
