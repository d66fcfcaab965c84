//! What entries of the kernel reach by GS on bare hardware: the stacks that SYSCALL does not change.
//!
//! In the kernel the base of GS is this area's and IA32_KERNEL_GS_BASE a process's; SWAPGS exchanges
//! them at every entry from a process, and on every way back. A process's base is never in the upper
//! half: CR4.FSGSBASE is clear, and no descriptor has such a base. So whoever does not know which of the
//! two is loaded looks at the sign (`entry/native/paranoid`).

use core::{
    mem::offset_of,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use x86_64::VirtAddr;

use crate::pvops;

/// The area of one CPU. Entries know the layout.
#[repr(C)]
struct CpuArea {
    /// The end of the stack for entries from user mode.
    kernel_stack: AtomicU64,
    /// The stack pointer of user mode, for the first instructions behind SYSCALL.
    user_stack: AtomicU64,
}

/// Offset of the end of the stack for entries from user mode.
pub(crate) const KERNEL_STACK: usize = offset_of!(CpuArea, kernel_stack);
/// Offset of a word for the stack pointer of user mode.
pub(crate) const USER_STACK: usize = offset_of!(CpuArea, user_stack);

/// The number of the register with the base of GS.
pub(crate) const GS_BASE: u32 = 0xc000_0101;
/// The number of the register that SWAPGS exchanges with it.
const KERNEL_GS_BASE: u32 = 0xc000_0102;

/// The first CPU's, as long as kernels start no other.
static AREA: CpuArea = CpuArea { kernel_stack: AtomicU64::new(0), user_stack: AtomicU64::new(0) };

/// Has GS lead to the area, and user mode begin with a base of zero.
pub(super) fn load() {
    let area = VirtAddr::from_ptr(&raw const AREA).as_u64();
    for (register, value) in [(GS_BASE, area), (KERNEL_GS_BASE, 0)] {
        // SAFETY: every 64-bit processor has the registers; nothing has relied on GS.
        unsafe { pvops::write_msr(register, value) };
    }
}

/// Sets the end of the stack for entries from user mode.
pub(super) fn set_kernel_stack(stack: VirtAddr) {
    AREA.kernel_stack.store(stack.as_u64(), Relaxed);
}
