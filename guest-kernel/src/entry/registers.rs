//! The registers a kernel was entered with, kept so that the boot contract can be checked.

use core::cell::UnsafeCell;

/// Registers at the kernel's first instruction.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(C)]
#[expect(missing_docs, reason = "the registers' own names")]
pub struct EntryRegisters {
    pub rax: u64,
    pub rbx: u64,
    pub rcx: u64,
    pub rdx: u64,
    pub rsi: u64,
    pub rdi: u64,
    pub rbp: u64,
    pub rsp: u64,
    pub r8_to_r15: [u64; 8],
    pub rflags: u64,
}

/// Where the first instructions put the registers.
pub(super) struct Saved(UnsafeCell<EntryRegisters>);

// SAFETY: written once by the first instructions, before any other code runs; only read later.
unsafe impl Sync for Saved {}

impl Saved {
    pub(super) fn read(&self) -> EntryRegisters {
        // SAFETY: nothing writes the cell any more.
        unsafe { *self.0.get() }
    }
}

pub(super) static AT_ENTRY: Saved = Saved(UnsafeCell::new(EntryRegisters {
    rax: 0,
    rbx: 0,
    rcx: 0,
    rdx: 0,
    rsi: 0,
    rdi: 0,
    rbp: 0,
    rsp: 0,
    r8_to_r15: [0; 8],
    rflags: 0,
}));
