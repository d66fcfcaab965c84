//! An upcall entry that notes when it was entered, for measuring how long events take.

use core::{
    arch::naked_asm,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use x86_64::VirtAddr;

use crate::{
    entry,
    hypercall::{
        Errno,
        callback::{self, Kind},
    },
};

/// The time-stamp counter at the last entry, and where the ordinary entry is.
static ENTERED: AtomicU64 = AtomicU64::new(0);
static ORDINARY: AtomicU64 = AtomicU64::new(0);

/// Instructions of the entry before it reads the counter.
const BEFORE: u64 = 2;

/// Reads the counter and goes on to the ordinary entry. RCX and R11 are free: the frame has them.
#[unsafe(naked)]
unsafe extern "C" fn upcall() {
    naked_asm!(
        "mov rcx, rax",
        "mov r11, rdx",
        "rdtsc",
        "shl rdx, 32",
        "or rax, rdx",
        "mov [rip + {entered}], rax",
        "mov rax, rcx",
        "mov rdx, r11",
        "jmp [rip + {ordinary}]",
        entered = sym ENTERED,
        ordinary = sym ORDINARY,
    )
}

/// Puts the entry before the one that [`events::install`](crate::events::install) has set.
///
/// # Errors
///
/// The hypervisor's.
#[expect(clippy::fn_to_numeric_cast_any, reason = "the hypervisor is told the address")]
pub fn install() -> Result<(), Errno> {
    ORDINARY.store(entry::upcall_address().as_u64(), Relaxed);
    // SAFETY: nothing but flags differs for the ordinary entry, which restores those of the frame.
    unsafe { callback::register(Kind::Event, VirtAddr::from_ptr(upcall as *const u8)) }
}

/// Returns the time-stamp counter at the first instruction of the last upcall.
pub fn entered() -> u64 {
    ENTERED.load(Relaxed) - BEFORE
}
