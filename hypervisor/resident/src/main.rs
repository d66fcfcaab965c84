//! The resident: entry of system calls, hypercalls, exceptions and events inside a guest.
//!
//! It is assembly throughout: it runs on the guest's stacks, between two instructions of a guest
//! that must not notice. What it does not serve it passes to root by VMCALL with all registers as
//! the guest had them. It has no state but `VcpuData`, which it reaches by distance from itself, so
//! one copy of the code serves every vCPU.
//!
//! Wherever it leaves for the guest it asks last whether an event is deliverable. The instructions
//! behind that question are listed as restartable; root sends an interrupted vCPU back to it.
#![no_std]
#![no_main]

use core::arch::global_asm;
use core::mem::offset_of;
use xenolith_abi::segment::{FLAT_USER_CS, FLAT_USER_SS};
use xenolith_abi::xenolith::{KERNEL_CS, KERNEL_SS};
use xenolith_abi::{domain, event_channel, hypercall, mmu, vcpu};
use xenolith_core::emulate::forced::{FORCED_CPUID, FORCED_CPUID_WORDS};
use xenolith_core::hole::{DIRECT_BITS, DIRECT_START, HOLE_SLOTS};
use xenolith_core::hypercall::XEN_VERSION;
use xenolith_core::resident::{FAULT_STACK_END, KERNEL, MAX_TEXT_BYTES, USER, VcpuData};

/// Bytes of the SYSCALL instruction.
const SYSCALL_BYTES: u64 = 2;
/// Flags of a page-table entry that the CPU sets.
const ACCESSED_DIRTY: u64 = 0x60;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

macro_rules! assemble {
    ($($file:literal),*) => {
        global_asm!(
            $(include_str!($file),)*
            MODE = const offset_of!(VcpuData, mode),
            INFO = const offset_of!(VcpuData, vcpu_info),
            EVENT = const offset_of!(VcpuData, event_callback),
            SYSCALL = const offset_of!(VcpuData, syscall_callback),
            SYSCALL_MASKS = const offset_of!(VcpuData, syscall_masks_events),
            SYSENTER = const offset_of!(VcpuData, sysenter_callback),
            SYSENTER_MASKS = const offset_of!(VcpuData, sysenter_masks_events),
            RIP = const offset_of!(VcpuData, return_rip),
            FLAGS = const offset_of!(VcpuData, return_flags),
            STACK = const offset_of!(VcpuData, stack),
            TAIL = const offset_of!(VcpuData, call_end),
            COUNT = const offset_of!(VcpuData, list_count),
            BEFORE = const offset_of!(VcpuData, list_before),
            ENTRIES = const offset_of!(VcpuData, hole_entries),
            SAVED = const offset_of!(VcpuData, saved),
            BEHIND = const offset_of!(VcpuData, list_behind),
            CALLS = const offset_of!(VcpuData, calls),
            LISTED_CALLS = const offset_of!(VcpuData, listed_calls),
            MMU_UPDATE = const hypercall::MMU_UPDATE,
            MULTICALL = const hypercall::MULTICALL,
            UPDATE_VA_MAPPING = const hypercall::UPDATE_VA_MAPPING,
            MMUEXT_OP = const hypercall::MMUEXT_OP,
            EVENT_CHANNEL_OP = const hypercall::EVENT_CHANNEL_OP,
            SYSCALL_BYTES = const SYSCALL_BYTES,
            SELF = const domain::SELF,
            DIRECT = const DIRECT_START,
            DIRECT_BITS = const DIRECT_BITS,
            HOLE_SLOTS = const HOLE_SLOTS,
            VERSION = const XEN_VERSION,
            NO_TRANSLATE = const mmu::PT_UPDATE_NO_TRANSLATE,
            PRESERVE_AD = const mmu::PT_UPDATE_PRESERVE_AD,
            ACCESSED_DIRTY = const ACCESSED_DIRTY,
            INVLPG_LOCAL = const mmu::INVLPG_LOCAL,
            NEW_USER_BASEPTR = const mmu::NEW_USER_BASEPTR,
            TLB_FLUSH = const mmu::UVMF_TLB_FLUSH,
            INVLPG = const mmu::UVMF_INVLPG,
            IS_UP = const vcpu::IS_UP,
            FAULT = const offset_of!(VcpuData, fault),
            TARGET = const offset_of!(VcpuData, target),
            SCRATCH = const offset_of!(VcpuData, scratch),
            KERNEL_SP = const offset_of!(VcpuData, kernel_sp),
            SHARED = const offset_of!(VcpuData, shared_info),
            VCPU = const offset_of!(VcpuData, vcpu),
            DOMAIN = const offset_of!(VcpuData, domain),
            FAULT_STACK = const FAULT_STACK_END,
            PORTS = const xenolith_core::event_channel::PORTS,
            IPI = const event_channel::STATUS_IPI,
            INTERDOMAIN = const event_channel::STATUS_INTERDOMAIN,
            PREFIX = const FORCED_CPUID_WORDS[0],
            PREFIX_END = const FORCED_CPUID_WORDS[1],
            PREFIX_BYTES = const FORCED_CPUID.len(),
            TEXT_BYTES = const MAX_TEXT_BYTES,
            KERNEL = const KERNEL,
            USER = const USER,
            KERNEL_CS = const KERNEL_CS,
            KERNEL_SS = const KERNEL_SS,
            USER_CS = const FLAT_USER_CS,
            USER_SS = const FLAT_USER_SS,
        );
    };
}

assemble!(
    "header.S",
    "hypercall.S",
    "short.S",
    "event_channel.S",
    "lists.S",
    "mapping.S",
    "multicall.S",
    "iret.S",
    "trap.S",
    "cpuid.S",
    "sysenter.S",
    "trace.S"
);
