//! Descriptors and task state, with the selectors that kernels have under Xenolith, so that frames
//! look the same in both worlds.
//!
//! ```text
//! GDT   0xe020   user code, 32 bits
//!       0xe028   user data
//!       0xe030   user code, 64 bits        SYSRET loads this one and the one before
//!       0xe040   task state, two entries
//!       0xe050   kernel code
//!       0xe058   kernel data               SYSCALL loads these two
//! ```

use x86_64::{
    VirtAddr,
    instructions::segmentation::{CS, SS, Segment},
    structures::{
        DescriptorTablePointer,
        gdt::{Descriptor, DescriptorFlags as Flags, SegmentSelector},
        tss::TaskStateSegment,
    },
};

use super::cpu_area;
use crate::{
    abi::{
        segment::{FLAT_USER_CS32, FLAT_USER_CS64, FLAT_USER_DS32},
        xenolith::{KERNEL_CS, KERNEL_SS},
    },
    entry::native::{process_call_address, syscall_address},
    pvops,
    static_pages::{PAGE_BYTES, StaticPages},
};

/// The interrupt stack of double faults and machine checks, counted from 1 as in gates.
pub(super) const FATAL_STACK: u8 = 1;
/// The interrupt stack of non-maskable interrupts.
pub(super) const NMI_STACK: u8 = 2;

const TASK: u16 = 0xe040;

/// Fourteen pages that Xenolith leaves to kernels, empty here, and the one with the descriptors.
static GDT: StaticPages<15> = StaticPages::new();

/// The task state.
static TASK_STATE: StaticPages<1> = StaticPages::new();

/// The interrupt stack of debug exceptions.
pub(super) const DEBUG_STACK: u8 = 3;

/// Bytes of an interrupt stack.
pub(crate) const STACK_BYTES: usize = 5 * PAGE_BYTES;

/// The interrupt stacks; the lowest page of each is left as a guard.
static STACKS: [StaticPages<5>; 3] = [const { StaticPages::new() }; 3];

/// Where non-maskable interrupts are handled, off the stack of their gate.
pub(crate) static NMI_HANDLER_STACK: StaticPages<5> = StaticPages::new();

/// Returns the guard pages of the interrupt stacks.
pub(crate) fn guards() -> impl Iterator<Item = VirtAddr> {
    STACKS.iter().chain([&NMI_HANDLER_STACK]).map(|stack| stack.page(0))
}

fn set_descriptor(selector: u16, bits: u64) {
    let at = GDT.page(0).as_mut_ptr::<u64>().wrapping_add(usize::from(selector / 8));
    // SAFETY: all selectors are in the table; only this file writes it, at boot.
    unsafe { at.write_volatile(bits) }
}

/// Loads descriptors and task state.
pub(super) fn load() {
    let mut task = TaskStateSegment::new();
    let [fatal, nmi, debug] = STACKS.each_ref().map(|stack| stack.page(0) + stack.bytes() as u64);
    let unused = VirtAddr::zero();
    task.interrupt_stack_table = [fatal, nmi, debug, unused, unused, unused, unused];
    let place: *mut TaskStateSegment = TASK_STATE.page(0).as_mut_ptr();
    // SAFETY: the page is there for it, and no processor uses it yet.
    unsafe { place.write(task) };
    // SAFETY: the page is never given back.
    let Descriptor::SystemSegment(low, high) =
        (unsafe { Descriptor::tss_segment_unchecked(place) })
    else {
        unreachable!("a task state takes two entries")
    };
    for (selector, bits) in [
        (FLAT_USER_CS32, Flags::USER_CODE32.bits()),
        (FLAT_USER_DS32, Flags::USER_DATA.bits()),
        (FLAT_USER_CS64, Flags::USER_CODE64.bits()),
        (TASK, low),
        (TASK + 8, high),
        (KERNEL_CS, Flags::KERNEL_CODE64.bits()),
        (KERNEL_SS, Flags::KERNEL_DATA.bits()),
    ] {
        set_descriptor(selector, bits);
    }
    let limit = u16::try_from(GDT.bytes() - 1).expect("fifteen pages are less than sixteen");
    // SAFETY: the table stays and is complete.
    unsafe { pvops::load_gdt(&DescriptorTablePointer { limit, base: GDT.page(0) }) };
    // SAFETY: it is a 64-bit code segment of that table.
    unsafe { CS::set_reg(SegmentSelector(KERNEL_CS)) };
    // SAFETY: it is a data segment of it.
    unsafe { SS::set_reg(SegmentSelector(KERNEL_SS)) };
    // SAFETY: it is an available task state, which stays.
    unsafe { pvops::load_tr(TASK) };
    cpu_area::load();
}

const EFER: u32 = 0xc000_0080;
const STAR: u32 = 0xc000_0081;
const LSTAR: u32 = 0xc000_0082;
const CSTAR: u32 = 0xc000_0083;
const SFMASK: u32 = 0xc000_0084;
/// SYSCALL is there.
const SCE: u64 = 1;
/// Flags that SYSCALL clears: TF, IF, DF, IOPL, NT, RF, AC.
const CLEARED: u64 = 1 << 8 | 1 << 9 | 1 << 10 | 3 << 12 | 1 << 14 | 1 << 16 | 1 << 18;

/// Has user mode enter on the stack that ends at `stack` from now on.
pub(super) fn set_user_stack(stack: VirtAddr) {
    cpu_area::set_kernel_stack(stack);
    let task: *mut TaskStateSegment = TASK_STATE.page(0).as_mut_ptr();
    // SAFETY: the task state is in place.
    let place = unsafe { &raw mut (*task).privilege_stack_table[0] };
    // SAFETY: the processor reads it at entries from user mode only, where this is not.
    unsafe { place.write_unaligned(stack) };
}

/// Has user mode enter on the stack that ends at `stack`, by SYSCALL and by exceptions.
pub(super) fn install_user(stack: VirtAddr) {
    set_user_stack(stack);
    let star = u64::from(FLAT_USER_CS32) << 48 | u64::from(KERNEL_CS) << 32;
    // SAFETY: every 64-bit processor has the register; bits that were set stay.
    let efer = unsafe { pvops::read_msr(EFER) } | SCE;
    set_syscall_entry(syscall_address());
    for (register, value) in [(STAR, star), (SFMASK, CLEARED), (EFER, efer)] {
        // SAFETY: every 64-bit processor has these registers, and nothing has relied on them.
        unsafe { pvops::write_msr(register, value) };
    }
}

/// Has SYSCALL of processes come by their own entry.
pub(super) fn install_process_calls() {
    set_syscall_entry(process_call_address());
}

/// Has SYSCALL lead to an entry.
fn set_syscall_entry(entry: VirtAddr) {
    for register in [LSTAR, CSTAR] {
        // SAFETY: as above; the entry is one for SYSCALL.
        unsafe { pvops::write_msr(register, entry.as_u64()) };
    }
}

const _: () = assert!(size_of::<TaskStateSegment>() <= PAGE_BYTES);
