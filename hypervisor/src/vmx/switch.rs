//! Entering the guest and coming back.
//!
//! While a vCPU runs, its general registers lie on the stack from which it was entered:
//! ```text
//! host RSP + 0x10   callee-saved registers and return address of `enter`
//!          + 0x08   where the registers came from
//!          + 0x00   the run context
//!          - 0x48   r11 .. rax of the guest: what a hypercall may touch
//!          - 0x78   rbx .. r15: they survive calls, so hypercalls leave them in the CPU
//! ```
//! An exit has two stages. The first saves what a call does not preserve and serves hypercalls; the
//! second saves the rest and serves everything else. Each goes straight back into the guest unless
//! it says otherwise.

use core::arch::naked_asm;
use core::mem::offset_of;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Registers that a call does not preserve, in the order of the first stage's pushes: the arguments
/// of a hypercall lie together.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub(crate) struct CallRegisters {
    pub(crate) r11: u64,
    pub(crate) r9: u64,
    pub(crate) rdi: u64,
    pub(crate) rsi: u64,
    pub(crate) rdx: u64,
    pub(crate) r10: u64,
    pub(crate) r8: u64,
    pub(crate) rcx: u64,
    pub(crate) rax: u64,
}

impl CallRegisters {
    /// Returns the argument registers.
    #[inline]
    pub(crate) fn arguments(&self) -> &[u64; 5] {
        let words: &[u64; 9] = zerocopy::transmute_ref!(self);
        let [_, _, arguments @ .., _, _] = words;
        arguments
    }

    /// Sets the argument registers.
    pub(crate) fn set_arguments(&mut self, arguments: [u64; 5]) {
        [self.rdi, self.rsi, self.rdx, self.r10, self.r8] = arguments;
    }
}

/// All registers that the CPU does not switch at entry and exit.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct GuestRegisters {
    pub(crate) r15: u64,
    pub(crate) r14: u64,
    pub(crate) r13: u64,
    pub(crate) r12: u64,
    pub(crate) rbp: u64,
    pub(crate) rbx: u64,
    pub(crate) call: CallRegisters,
}

const CALL_BYTES: usize = 9 * 8;
const REGISTER_BYTES: usize = 15 * 8;
const _: () = assert!(size_of::<CallRegisters>() == CALL_BYTES);
const _: () = assert!(size_of::<GuestRegisters>() == REGISTER_BYTES);
const _: () = assert!(offset_of!(GuestRegisters, call) == REGISTER_BYTES - CALL_BYTES);

/// What [`enter`] returns when the CPU refused to enter the guest; handlers return 0 to go back
/// into the guest and anything else below this to leave it.
pub(super) const ENTRY_REFUSED: u32 = u32::MAX;

/// Encoding of the host-RSP field.
const HOST_RSP: u32 = xenolith_core::vmx::field::HOST_RSP.encoding();

/// Enters the guest with `registers` and stays there until a handler says otherwise.
///
/// # Safety
///
/// A complete VMCS must be current that has not been launched, with [`exit`] as its host RIP.
/// `context` must be what the handler expects.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn enter<C>(registers: &mut GuestRegisters, context: *mut C) -> u32 {
    naked_asm!(
        "push rbp",
        "push rbx",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "push rdi",
        "push rsi",
        "mov eax, {host_rsp}",
        "vmwrite rax, rsp",
        "jbe 2f",
        "mov r15, [rdi + 0x00]",
        "mov r14, [rdi + 0x08]",
        "mov r13, [rdi + 0x10]",
        "mov r12, [rdi + 0x18]",
        "mov rbp, [rdi + 0x20]",
        "mov rbx, [rdi + 0x28]",
        "mov r11, [rdi + 0x30]",
        "mov r9, [rdi + 0x38]",
        "mov rsi, [rdi + 0x48]",
        "mov rdx, [rdi + 0x50]",
        "mov r10, [rdi + 0x58]",
        "mov r8, [rdi + 0x60]",
        "mov rcx, [rdi + 0x68]",
        "mov rax, [rdi + 0x70]",
        "mov rdi, [rdi + 0x40]",
        "vmlaunch",
        "2:",
        "jmp {refused}",
        host_rsp = const HOST_RSP,
        refused = sym refused,
    )
}

/// Where the CPU arrives at an exit: the first stage.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn exit() {
    naked_asm!(
        "push rax",
        "push rcx",
        "push r8",
        "push r10",
        "push rdx",
        "push rsi",
        "push rdi",
        "push r9",
        "push r11",
        "mov rdi, rsp",
        "mov rsi, [rsp + {context}]",
        "call {handler}",
        "test eax, eax",
        "jnz {second}",
        "pop r11",
        "pop r9",
        "pop rdi",
        "pop rsi",
        "pop rdx",
        "pop r10",
        "pop r8",
        "pop rcx",
        "pop rax",
        "vmresume",
        "jmp {refused}",
        context = const CALL_BYTES,
        handler = sym super::exits::on_exit,
        second = sym second_stage,
        refused = sym refused,
    )
}

/// Goes on with what the first stage answered in eax.
#[unsafe(naked)]
unsafe extern "C" fn second_stage() {
    naked_asm!(
        "push rbx",
        "push rbp",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "mov rdi, rsp",
        "mov rsi, [rsp + {context}]",
        "mov edx, eax",
        "call {handler}",
        "test eax, eax",
        "jnz 2f",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbp",
        "pop rbx",
        "pop r11",
        "pop r9",
        "pop rdi",
        "pop rsi",
        "pop rdx",
        "pop r10",
        "pop r8",
        "pop rcx",
        "pop rax",
        "vmresume",
        "jmp {refused}",
        "2:",
        "mov rdi, [rsp + {context} + 8]",
        "mov rsi, rsp",
        "mov ecx, 15",
        "rep movsq",
        "mov rsp, rsi",
        "jmp {leave}",
        context = const REGISTER_BYTES,
        handler = sym super::exits::on_other_exit,
        refused = sym refused,
        leave = sym leave,
    )
}

/// Ends an entry that did not happen.
#[unsafe(naked)]
unsafe extern "C" fn refused() {
    naked_asm!("mov eax, {code}", "jmp {leave}", code = const ENTRY_REFUSED, leave = sym leave)
}

/// Returns eax to the caller of [`enter`].
#[unsafe(naked)]
unsafe extern "C" fn leave() {
    naked_asm!(
        "add rsp, 16",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbx",
        "pop rbp",
        "ret",
    )
}
