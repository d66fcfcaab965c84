//! The functions that the table holds: they ask where the record is each time, in the first word of
//! `RECORDS`, as long as kernels start no other vCPU.

use xenolith_abi::hypercall::XEN_VERSION;

use super::{MASK, PENDING};
use crate::{irq::Flags, pvops::alternative::function, shared_info::RECORDS};

function! {
    /// Has the hypervisor deliver an upcall that is due; preserves everything but flags.
    ///
    /// Any hypercall would do: the upcall comes on its way back. This one changes nothing.
    force_upcall: [
        "push rax", "push rcx", "push rdx", "push rsi", "push rdi",
        "push r8", "push r9", "push r10", "push r11",
        "mov eax, {xen_version}",
        "xor edi, edi",
        "xor esi, esi",
        "syscall",
        "pop r11", "pop r10", "pop r9", "pop r8",
        "pop rdi", "pop rsi", "pop rdx", "pop rcx", "pop rax",
        "ret",
    ],
    xen_version = const XEN_VERSION,
}

function! {
    disable: [
        "push rax",
        "mov rax, [rip + {record}]",
        "mov byte ptr [rax + {mask}], 1",
        "pop rax",
        "ret",
    ],
    record = sym RECORDS,
    mask = const MASK,
}

function! {
    enable: [
        "push rax",
        "mov rax, [rip + {record}]",
        "mov byte ptr [rax + {mask}], 0",
        "cmp byte ptr [rax + {pending}], 0",
        "pop rax",
        "jne {force_upcall}",
        "ret",
    ],
    record = sym RECORDS,
    mask = const MASK,
    pending = const PENDING,
    force_upcall = sym force_upcall,
}

function! {
    save: [
        "mov rax, [rip + {record}]",
        "cmp byte ptr [rax + {mask}], 1",
        "sbb eax, eax",
        "and eax, {interrupt_flag}",
        "ret",
    ],
    record = sym RECORDS,
    mask = const MASK,
    interrupt_flag = const Flags::IF.bits(),
}

function! {
    restore: [
        "test edi, {interrupt_flag}",
        "jne {enable}",
        "ret",
    ],
    interrupt_flag = const Flags::IF.bits(),
    enable = sym enable,
}
