//! From the first instruction to the kernel's main function, and every later way into the kernel.
//!
//! The domain builder enters [`start`] in ring 0 with the address of `start_info` in RSI
//! (`docs/abi.md`). What the kernel's main function finds is set up here: its stack, a filled
//! hypercall page, the shared page, operations of this world, and an image whose text cannot be written.

mod common;
mod handlers;
mod image;
mod irq_stack;
pub(crate) mod native;
mod process_call;
mod registers;
pub(crate) mod smap;
mod stack;
mod vectors;

use core::{arch::naked_asm, mem::offset_of, ops::Range};

use x86_64::VirtAddr;
use xenolith_abi::start_info;

#[cfg(feature = "probe")]
pub(crate) use common::load_registers;
pub use common::{continue_behind_syscall, continue_with};
pub use image::image;
pub(crate) use image::protect;
pub use process_call::ProcessCall;
pub(crate) use process_call::process_call_address;
pub use registers::EntryRegisters;
pub(crate) use stack::{BOOT as BOOT_STACK, BYTES as BOOT_STACK_BYTES};
pub use vectors::vector_address;

pub use crate::pt_regs::{
    ArchState, Auxiliary, Cause, EntryState, ExtendedPtRegs, Frame, PtRegs, Vector,
};

use crate::{
    StartInfo, hypercall,
    paging::AddressSpace,
    pvops::{self, World},
    shared_info,
    static_pages::PAGE_BYTES,
};

/// Names the main function of a kernel, of type `fn(&'static StartInfo) -> !`, and the ELF notes
/// it has (see [`notes!`](crate::notes!)).
///
/// ```ignore
/// xenolith_guest::entry!(main);
/// xenolith_guest::entry!(main, notes = [standard, mod_start_pfn]);
/// ```
#[macro_export]
macro_rules! entry {
    ($main:path) => {
        $crate::entry!($main, notes = [standard]);
    };
    ($main:path, notes = [$($notes:tt)*]) => {
        $crate::notes!($($notes)*);

        #[unsafe(export_name = "xenolith_guest_main")]
        fn xenolith_guest_main(start: &'static $crate::StartInfo) -> ! {
            let main: fn(&'static $crate::StartInfo) -> ! = $main;
            main(start)
        }
    };
}

unsafe extern "Rust" {
    /// The kernel's main function, exported by [`entry!`](crate::entry!).
    safe fn xenolith_guest_main(start: &'static StartInfo) -> !;
}

/// The first instructions of a guest kernel: the address in the ENTRY note.
///
/// Keeps the registers as they came, for whoever wants to see them, then changes to our stack.
///
/// # Safety
///
/// Only the domain builder enters here, once, with the registers of the boot contract.
#[unsafe(naked)]
#[unsafe(export_name = "xenolith_guest_start")]
#[unsafe(link_section = ".text.start")]
pub unsafe extern "C" fn start() -> ! {
    naked_asm!(
        "mov [rip + {registers} + {rax}], rax",
        "lea rax, [rip + {registers}]",
        "mov [rax + {rbx}], rbx",
        "mov [rax + {rcx}], rcx",
        "mov [rax + {rdx}], rdx",
        "mov [rax + {rsi}], rsi",
        "mov [rax + {rdi}], rdi",
        "mov [rax + {rbp}], rbp",
        "mov [rax + {rsp}], rsp",
        "mov [rax + {high}], r8",
        "mov [rax + {high} + 8], r9",
        "mov [rax + {high} + 16], r10",
        "mov [rax + {high} + 24], r11",
        "mov [rax + {high} + 32], r12",
        "mov [rax + {high} + 40], r13",
        "mov [rax + {high} + 48], r14",
        "mov [rax + {high} + 56], r15",
        // The flags can only be read through a stack: ours.
        "lea rsp, [rip + {stack} + {stack_bytes}]",
        "pushfq",
        "pop [rax + {rflags}]",
        // Rust assumes the direction flag clear; an RBP of zero ends every chain of frames.
        "cld",
        "xor ebp, ebp",
        "mov rdi, rsi",
        "call {rust_start}",
        "ud2",
        registers = sym registers::AT_ENTRY,
        rax = const offset_of!(EntryRegisters, rax),
        rbx = const offset_of!(EntryRegisters, rbx),
        rcx = const offset_of!(EntryRegisters, rcx),
        rdx = const offset_of!(EntryRegisters, rdx),
        rsi = const offset_of!(EntryRegisters, rsi),
        rdi = const offset_of!(EntryRegisters, rdi),
        rbp = const offset_of!(EntryRegisters, rbp),
        rsp = const offset_of!(EntryRegisters, rsp),
        high = const offset_of!(EntryRegisters, r8_to_r15),
        rflags = const offset_of!(EntryRegisters, rflags),
        stack = sym stack::BOOT,
        stack_bytes = const stack::BYTES,
        rust_start = sym rust_start,
    )
}

/// Sets up what every kernel relies on and enters its main function.
extern "C" fn rust_start(start: *const start_info::StartInfo) -> ! {
    // SAFETY: RSI holds the address of a filled `start_info` page, by the boot contract.
    let start = unsafe { StartInfo::from_ptr(start) };
    hypercall::page::fill_if_empty();
    shared_info::map(start);
    pvops::set_space(AddressSpace::of_boot(start));
    pvops::init_unpatched(World::Xenolith);
    pvops::patch_sites(start.command_line());
    protect(start);
    enter_main(start)
}

/// Enters the main function, from wherever the kernel was started.
pub(crate) fn enter_main(start: &'static StartInfo) -> ! {
    xenolith_guest_main(start)
}

/// Returns the registers as they were at the kernel's first instruction.
pub fn registers() -> EntryRegisters {
    registers::AT_ENTRY.read()
}

/// Returns where the stack of the main function is, without its guard page.
pub(crate) fn boot_stack() -> Range<VirtAddr> {
    let stack = stack::BOOT.page(0);
    stack + PAGE_BYTES as u64..stack + stack::BYTES as u64
}

/// Returns where upcalls go.
pub fn upcall_address() -> VirtAddr {
    address(common::upcall)
}

/// Returns where SYSCALL in user mode goes.
pub fn syscall_address() -> VirtAddr {
    address(common::syscall)
}

/// Returns where a non-maskable interrupt with a callback of its own goes.
pub fn nmi_address() -> VirtAddr {
    address(common::nmi_callback)
}

#[expect(clippy::fn_to_numeric_cast_any, reason = "the hypervisor is told the address")]
fn address(entry: unsafe extern "C" fn()) -> VirtAddr {
    VirtAddr::from_ptr(entry as *const u8)
}
