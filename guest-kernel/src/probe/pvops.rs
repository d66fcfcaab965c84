//! Operations of pvops, safe to call, and what measuring them needs.

use core::{
    arch::{asm, naked_asm},
    ptr,
};

use x86_64::{PhysAddr, VirtAddr, structures::DescriptorTablePointer};

use crate::{
    entry::{self, Frame},
    irq::Flags,
    paging::{Entry, FRAME_BITS},
    pvops::{self, Op, Registers, Site, TABLE},
    traps,
};

/// Returns whether a site calls through the table, as it was linked.
pub fn is_as_linked(site: &Site) -> bool {
    /// Of `call` and `jmp` through memory relative to RIP.
    const THROUGH_TABLE: [[u8; 2]; 2] = [[0xff, 0x15], [0xff, 0x25]];
    let at: *const [u8; 2] = VirtAddr::new(site.address).as_ptr();
    // SAFETY: a site is longer, and text is readable.
    THROUGH_TABLE.contains(&unsafe { at.read_volatile() })
}

/// Returns where the table is.
pub fn table() -> VirtAddr {
    VirtAddr::from_ptr(&raw const TABLE)
}

/// Loads the top-level table that is in use once more.
pub fn reload_cr3() {
    let root = PhysAddr::new(pvops::read_cr3() & FRAME_BITS);
    // SAFETY: it is the table in use.
    unsafe { pvops::write_cr3(root) };
}

/// Loads a top-level table.
#[inline(always)]
pub fn write_cr3(root: PhysAddr) {
    // SAFETY: see the module `probe`; scenarios load the table in use.
    unsafe { pvops::write_cr3(root) };
}

/// Exchanges the bases of GS.
#[inline(always)]
pub fn swapgs() {
    // SAFETY: the kernel reaches nothing through GS.
    unsafe { pvops::swapgs() };
}

/// Loads the global descriptor table, where the kernel has one of its own.
#[inline(always)]
pub fn load_gdt(table: &DescriptorTablePointer) {
    // SAFETY: see the module `probe`.
    unsafe { pvops::load_gdt(table) };
}

/// Loads the interrupt descriptor table, where the kernel has one of its own.
#[inline(always)]
pub fn load_idt(table: &DescriptorTablePointer) {
    // SAFETY: see the module `probe`.
    unsafe { pvops::load_idt(table) };
}

/// Loads the task register, where the kernel has a task state of its own.
#[inline(always)]
pub fn load_tr(selector: u16) {
    // SAFETY: see the module `probe`.
    unsafe { pvops::load_tr(selector) };
}

/// Reads a model-specific register.
#[inline(always)]
pub fn read_msr(number: u32) -> u64 {
    // SAFETY: see the module `probe`.
    unsafe { pvops::read_msr(number) }
}

/// Writes a model-specific register.
#[inline(always)]
pub fn write_msr(number: u32, value: u64) {
    // SAFETY: see the module `probe`.
    unsafe { pvops::write_msr(number, value) };
}

/// Stores an entry in a word of no page table.
#[inline(always)]
pub fn set_pte(word: &mut u64, entry: u64) {
    // SAFETY: the word is the caller's.
    unsafe { pvops::set_pte(ptr::from_mut(word), entry) };
}

/// Continues a process behind SYSCALL; returns its registers at the next exception or system call.
pub fn continue_behind_syscall(frame: &Frame) -> Option<Frame> {
    extern "C" fn start(frame: *mut ()) {
        // SAFETY: see the module `probe`.
        unsafe { entry::continue_behind_syscall(frame.cast_const().cast()) }
    }
    // SAFETY: `start` holds nothing and changes nothing itself.
    unsafe { traps::catch(start, ptr::from_ref(frame).cast_mut().cast()) }
}

/// `irq_disable` on a bare processor.
#[inline(always)]
pub fn native_irq_disable() {
    // SAFETY: what relies on interrupts is nobody's memory.
    unsafe { asm!("cli", options(nostack)) };
}

/// `irq_enable` on a bare processor.
#[inline(always)]
pub fn native_irq_enable() {
    // SAFETY: handlers keep to what interrupted code relies on.
    unsafe { asm!("sti", options(nostack)) };
}

/// What `restore_fl` on a bare processor is not: POPF.
#[inline(always)]
pub fn native_popf(flags: Flags) {
    // SAFETY: no memory is touched but the stack; IF is the caller's, and others are the arithmetic flags.
    unsafe { asm!("push rdi", "popfq", in("rdi") flags.bits()) };
}

/// Defines a site of an operation, in a sequence of such.
macro_rules! sites_of {
    ($name:ident, $op:ident) => {
        /// Many sites of an operation.
        #[unsafe(naked)]
        unsafe extern "C" fn $name<const EACH: usize>() {
            naked_asm!(
                ".rept {count}",
                pvops::site_lines!("call"),
                ".endr",
                "ret",
                count = const EACH,
                pv_table = sym TABLE,
                pv_slot = const Op::$op.index() * size_of::<usize>(),
                pv_padding = const Op::$op.site_bytes() - Op::CALL_BYTES,
                pv_op = const Op::$op.number(),
                pv_length = const Op::$op.site_bytes(),
                pv_changes = const Registers::ALL.bits(),
            )
        }
    };
}

sites_of!(many_irq_disable, IrqDisable);
sites_of!(many_irq_enable, IrqEnable);
sites_of!(many_save_fl, SaveFl);
sites_of!(many_restore_fl, RestoreFl);

/// Has a kernel be linked with many sites more, `EACH` of each operation on interrupts, for measuring how
/// long patching takes; returns their number.
pub fn many_sites<const EACH: usize>() -> usize {
    let all: [unsafe extern "C" fn(); 4] = [
        many_irq_disable::<EACH>,
        many_irq_enable::<EACH>,
        many_save_fl::<EACH>,
        many_restore_fl::<EACH>,
    ];
    core::hint::black_box(all).len() * EACH
}

/// Replaces a page-table entry and leaves the old translation to who flushes it.
pub fn replace_without_flush(entry: &Entry, value: u64) {
    entry.store(value);
}
