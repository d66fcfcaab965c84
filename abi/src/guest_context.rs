//! The complete state of a vCPU, as [`crate::vcpu::INITIALISE`] takes it.
//!
//! Source: `xen/arch-x86/xen.h`, `xen/arch-x86/xen-x86_64.h`.

use core::mem::offset_of;

use crate::trap::TrapInfo;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Flag: `fpu_ctxt` is valid.
#[doc(alias = "VGCF_i387_valid")]
pub const VGCF_I387_VALID: u64 = 1 << 0;

/// Flag: the vCPU is in kernel mode.
#[doc(alias = "VGCF_in_kernel")]
pub const VGCF_IN_KERNEL: u64 = 1 << 2;

/// Flag: the failsafe callback masks events.
#[doc(alias = "VGCF_failsafe_disables_events")]
pub const VGCF_FAILSAFE_DISABLES_EVENTS: u64 = 1 << 3;

/// Flag: the system-call callback masks events.
#[doc(alias = "VGCF_syscall_disables_events")]
pub const VGCF_SYSCALL_DISABLES_EVENTS: u64 = 1 << 4;

/// Flag: the vCPU is started.
#[doc(alias = "VGCF_online")]
pub const VGCF_ONLINE: u64 = 1 << 5;

/// Flag of [`crate::trap::IretContext`]: return as from `syscall`.
#[doc(alias = "VGCF_in_syscall")]
pub const VGCF_IN_SYSCALL: u64 = 1 << 8;

/// The registers of a vCPU.
#[doc(alias = "cpu_user_regs")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct CpuUserRegs {
    /// Register r15.
    pub r15: u64,
    /// Register r14.
    pub r14: u64,
    /// Register r13.
    pub r13: u64,
    /// Register r12.
    pub r12: u64,
    /// Register rbp.
    pub rbp: u64,
    /// Register rbx.
    pub rbx: u64,
    /// Register r11.
    pub r11: u64,
    /// Register r10.
    pub r10: u64,
    /// Register r9.
    pub r9: u64,
    /// Register r8.
    pub r8: u64,
    /// Register rax.
    pub rax: u64,
    /// Register rcx.
    pub rcx: u64,
    /// Register rdx.
    pub rdx: u64,
    /// Register rsi.
    pub rsi: u64,
    /// Register rdi.
    pub rdi: u64,
    /// Private to the hypervisor.
    pub error_code: u32,
    /// Private to the hypervisor.
    pub entry_vector: u32,
    /// Instruction pointer.
    pub rip: u64,
    /// Code selector.
    pub cs: u16,
    /// Not used.
    #[doc(alias = "_pad0")]
    pub pad0: [u16; 1],
    /// The event mask.
    pub saved_upcall_mask: u8,
    /// Not used.
    #[doc(alias = "_pad1")]
    pub pad1: [u8; 3],
    /// Flags.
    pub rflags: u64,
    /// Stack pointer.
    pub rsp: u64,
    /// Stack selector.
    pub ss: u16,
    /// Not used.
    #[doc(alias = "_pad2")]
    pub pad2: [u16; 3],
    /// Selector es.
    pub es: u16,
    /// Not used.
    #[doc(alias = "_pad3")]
    pub pad3: [u16; 3],
    /// Selector ds.
    pub ds: u16,
    /// Not used.
    #[doc(alias = "_pad4")]
    pub pad4: [u16; 3],
    /// Selector fs.
    pub fs: u16,
    /// Not used.
    #[doc(alias = "_pad5")]
    pub pad5: [u16; 3],
    /// Selector gs.
    pub gs: u16,
    /// Not used.
    #[doc(alias = "_pad6")]
    pub pad6: [u16; 3],
}
const _: () = assert!(size_of::<CpuUserRegs>() == 200);
const _: () = assert!(offset_of!(CpuUserRegs, r14) == 8);
const _: () = assert!(offset_of!(CpuUserRegs, r13) == 16);
const _: () = assert!(offset_of!(CpuUserRegs, r12) == 24);
const _: () = assert!(offset_of!(CpuUserRegs, rbp) == 32);
const _: () = assert!(offset_of!(CpuUserRegs, rbx) == 40);
const _: () = assert!(offset_of!(CpuUserRegs, r11) == 48);
const _: () = assert!(offset_of!(CpuUserRegs, r10) == 56);
const _: () = assert!(offset_of!(CpuUserRegs, r9) == 64);
const _: () = assert!(offset_of!(CpuUserRegs, r8) == 72);
const _: () = assert!(offset_of!(CpuUserRegs, rax) == 80);
const _: () = assert!(offset_of!(CpuUserRegs, rcx) == 88);
const _: () = assert!(offset_of!(CpuUserRegs, rdx) == 96);
const _: () = assert!(offset_of!(CpuUserRegs, rsi) == 104);
const _: () = assert!(offset_of!(CpuUserRegs, rdi) == 112);
const _: () = assert!(offset_of!(CpuUserRegs, error_code) == 120);
const _: () = assert!(offset_of!(CpuUserRegs, entry_vector) == 124);
const _: () = assert!(offset_of!(CpuUserRegs, rip) == 128);
const _: () = assert!(offset_of!(CpuUserRegs, cs) == 136);
const _: () = assert!(offset_of!(CpuUserRegs, pad0) == 138);
const _: () = assert!(offset_of!(CpuUserRegs, saved_upcall_mask) == 140);
const _: () = assert!(offset_of!(CpuUserRegs, pad1) == 141);
const _: () = assert!(offset_of!(CpuUserRegs, rflags) == 144);
const _: () = assert!(offset_of!(CpuUserRegs, rsp) == 152);
const _: () = assert!(offset_of!(CpuUserRegs, ss) == 160);
const _: () = assert!(offset_of!(CpuUserRegs, pad2) == 162);
const _: () = assert!(offset_of!(CpuUserRegs, es) == 168);
const _: () = assert!(offset_of!(CpuUserRegs, pad3) == 170);
const _: () = assert!(offset_of!(CpuUserRegs, ds) == 176);
const _: () = assert!(offset_of!(CpuUserRegs, pad4) == 178);
const _: () = assert!(offset_of!(CpuUserRegs, fs) == 184);
const _: () = assert!(offset_of!(CpuUserRegs, pad5) == 186);
const _: () = assert!(offset_of!(CpuUserRegs, gs) == 192);
const _: () = assert!(offset_of!(CpuUserRegs, pad6) == 194);

/// The whole state of a vCPU.
#[doc(alias = "vcpu_guest_context")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct VcpuGuestContext {
    /// Floating-point state in the form of `fxsave`.
    pub fpu_ctxt: [u8; 512],
    /// `VGCF_*` flags.
    pub flags: u64,
    /// Registers.
    pub user_regs: CpuUserRegs,
    /// Exception handlers.
    pub trap_ctxt: [TrapInfo; 256],
    /// Linear address of the local descriptor table.
    pub ldt_base: u64,
    /// Its entries.
    pub ldt_ents: u64,
    /// Frames of the global descriptor table.
    pub gdt_frames: [u64; 16],
    /// Its entries.
    pub gdt_ents: u64,
    /// Stack selector for entries from user mode.
    pub kernel_ss: u64,
    /// Stack pointer for entries from user mode.
    pub kernel_sp: u64,
    /// Control registers; number 1 holds the page table of user mode.
    pub ctrlreg: [u64; 8],
    /// Debug registers.
    pub debugreg: [u64; 8],
    /// Event callback.
    pub event_callback_eip: u64,
    /// Failsafe callback.
    pub failsafe_callback_eip: u64,
    /// System-call callback.
    pub syscall_callback_eip: u64,
    /// Bitmap of the types of [`crate::vm_assist`].
    pub vm_assist: u64,
    /// Base of fs.
    pub fs_base: u64,
    /// Base of gs in kernel mode.
    pub gs_base_kernel: u64,
    /// Base of gs in user mode.
    pub gs_base_user: u64,
}
const _: () = assert!(size_of::<VcpuGuestContext>() == 5168);
const _: () = assert!(offset_of!(VcpuGuestContext, flags) == 512);
const _: () = assert!(offset_of!(VcpuGuestContext, user_regs) == 520);
const _: () = assert!(offset_of!(VcpuGuestContext, trap_ctxt) == 720);
const _: () = assert!(offset_of!(VcpuGuestContext, ldt_base) == 4816);
const _: () = assert!(offset_of!(VcpuGuestContext, ldt_ents) == 4824);
const _: () = assert!(offset_of!(VcpuGuestContext, gdt_frames) == 4832);
const _: () = assert!(offset_of!(VcpuGuestContext, gdt_ents) == 4960);
const _: () = assert!(offset_of!(VcpuGuestContext, kernel_ss) == 4968);
const _: () = assert!(offset_of!(VcpuGuestContext, kernel_sp) == 4976);
const _: () = assert!(offset_of!(VcpuGuestContext, ctrlreg) == 4984);
const _: () = assert!(offset_of!(VcpuGuestContext, debugreg) == 5048);
const _: () = assert!(offset_of!(VcpuGuestContext, event_callback_eip) == 5112);
const _: () = assert!(offset_of!(VcpuGuestContext, failsafe_callback_eip) == 5120);
const _: () = assert!(offset_of!(VcpuGuestContext, syscall_callback_eip) == 5128);
const _: () = assert!(offset_of!(VcpuGuestContext, vm_assist) == 5136);
const _: () = assert!(offset_of!(VcpuGuestContext, fs_base) == 5144);
const _: () = assert!(offset_of!(VcpuGuestContext, gs_base_kernel) == 5152);
const _: () = assert!(offset_of!(VcpuGuestContext, gs_base_user) == 5160);
