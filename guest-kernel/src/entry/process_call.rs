//! The entries of processes' system calls, which save what a call may change and no more: that of
//! Xenolith, and by a macro that of bare hardware (`native/syscall`).
//!
//! Rust preserves RBX, RBP and R12 to R15, so they stay in the registers: also over a change of tasks,
//! which saves them on the stack. RCX and R11 are lost to SYSCALL anyway. Nothing but the process
//! itself goes on behind the call, so the way out is known from the start.

use core::mem::offset_of;

use x86_64::VirtAddr;

/// The registers of a process at a system call.
///
/// ```text
/// low    r10 ... rdi    pushed by our entry
///        way_out        two words that are free, then rcx and r11 as the hypervisor pushed them,
///                       free on bare hardware: taken by the way out
///        rip ... ss     by the hypervisor, or our entry; no call changes them
/// ```
#[derive(Clone, Copy, Debug)]
#[repr(C)]
#[expect(missing_docs, reason = "the registers' own names")]
pub struct ProcessCall {
    pub r10: u64,
    pub r9: u64,
    pub r8: u64,
    /// The number of the call, and its result.
    pub rax: u64,
    pub rdx: u64,
    pub rsi: u64,
    pub rdi: u64,
    way_out: [u64; 4],
    pub rip: u64,
    pub cs: u64,
    pub rflags: u64,
    pub rsp: u64,
    pub ss: u64,
}

// The entry calls Rust with the stack where this begins; the hypervisor aligns its end.
const _: () = assert!(size_of::<ProcessCall>().is_multiple_of(16));
const _: () = assert!(offset_of!(ProcessCall, way_out) == 7 * 8);

/// Defines an entry of processes' system calls: `before` makes the words from `way_out` on.
macro_rules! process_call {
    ($(#[$doc:meta])* $name:ident, before [$($line:literal),*] $(, $($operands:tt)+)?) => {
        $(#[$doc])*
        ///
        /// # Safety
        ///
        /// Only SYSCALL of a process leads here.
        #[unsafe(naked)]
        #[unsafe(link_section = ".noinstr.text")]
        pub(super) unsafe extern "C" fn $name() {
            core::arch::naked_asm!(
                $($line,)*
                "push rdi", "push rsi", "push rdx", "push rax",
                "push r8", "push r9", "push r10",
                "mov rdi, rsp",
                "call {handler}",
                "pop r10", "pop r9", "pop r8",
                "pop rax", "pop rdx", "pop rsi", "pop rdi",
                $crate::pvops::site_lines!("jmp"),
                // The operation does not return.
                "ud2",
                handler = sym $crate::entry::handlers::process_call,
                pv_table = sym $crate::pvops::TABLE,
                pv_slot = const $crate::pvops::Op::UsergsSysret64.index() * size_of::<usize>(),
                pv_padding = const $crate::pvops::Op::UsergsSysret64.site_bytes()
                    - $crate::pvops::Op::CALL_BYTES,
                pv_op = const $crate::pvops::Op::UsergsSysret64.number(),
                pv_length = const $crate::pvops::Op::UsergsSysret64.site_bytes(),
                pv_changes = const $crate::pvops::Registers::ALL.bits(),
                $($($operands)+)?
            )
        }
    };
}
pub(super) use process_call;

process_call! {
    /// Under Xenolith: with a system call's frame on the stack, and the direction flag clear.
    under_xenolith, before ["sub rsp, 2 * 8"]
}

/// Returns where SYSCALL of processes goes.
pub(crate) fn process_call_address() -> VirtAddr {
    super::address(under_xenolith)
}
