//! Supervisor-mode access prevention (SMAP): where the processor has it, the kernel reaches memory of
//! processes only between STAC and CLAC, which set and clear AC.
//!
//! A process may set AC as well. Under Xenolith it is clear in every entry; on bare hardware SYSCALL
//! clears it, and for gates entries do.

use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

use x86_64::registers::control::{Cr4, Cr4Flags};

use crate::pvops;

/// Whether CR4 has it. One byte, which assembly compares with zero.
pub(crate) static IS_ON: AtomicBool = AtomicBool::new(false);

/// Bits of CPUID leaf 7, EBX.
const HAS_SMEP: u32 = 1 << 7;
const HAS_SMAP: u32 = 1 << 20;

/// The lines that clear AC, with [`IS_ON`] as `{smap}`; they change flags.
macro_rules! forbid_user_access {
    () => {
        "cmp byte ptr [rip + {smap}], 0\nje 8f\nclac\n8:\n"
    };
}
pub(crate) use forbid_user_access;

/// Turns on what the processor has: nothing of a process is executed, or accessed by accident.
pub(crate) fn turn_on() {
    let has = pvops::cpuid(7, 0).ebx;
    let flags = [
        (HAS_SMEP, Cr4Flags::SUPERVISOR_MODE_EXECUTION_PROTECTION),
        (HAS_SMAP, Cr4Flags::SUPERVISOR_MODE_ACCESS_PREVENTION),
    ];
    for (_, flag) in flags.into_iter().filter(|(bit, _)| has & bit != 0) {
        // SAFETY: the processor has it, and the kernel's own pages are not those of users.
        unsafe { Cr4::update(|cr4| cr4.insert(flag)) };
    }
    IS_ON.store(has & HAS_SMAP != 0, Relaxed);
}
