//! Long hypercalls: made whole, or piece by piece (`docs/abi.md`, "Calls in pieces").
//!
//! Made whole, a call that is cut goes on by itself, and only upcalls can tell; see
//! [`tasks::preemptible_call`](crate::tasks::preemptible_call) for letting other tasks run there.
//! Made in pieces, it returns each time it is cut, and the caller decides what comes in between.

use core::arch::asm;

use super::{Errno, page};
use crate::abi::{errno, xenolith::NO_RESTART};

/// Makes hypercall `NUMBER` with five arguments; returns its result, and the arguments as the call
/// leaves them.
///
/// # Safety
///
/// As for [`call`](super::call).
unsafe fn make<const NUMBER: u32>(arguments: [u64; 5]) -> (Result<u64, Errno>, [u64; 5]) {
    const { assert!(NUMBER < page::STUBS, "the hypercall page has no such stub") };
    let [mut rdi, mut rsi, mut rdx, mut r10, mut r8] = arguments;
    let result: u64;
    // SAFETY: the stub makes the hypercall and returns; the caller answers for its effects.
    unsafe {
        asm!(
            "call {stubs} + {number} * {stub_bytes}",
            stubs = sym page::stubs,
            number = const NUMBER,
            stub_bytes = const page::STUB_BYTES,
            lateout("rax") result,
            inout("rdi") rdi,
            inout("rsi") rsi,
            inout("rdx") rdx,
            inout("r10") r10,
            inout("r8") r8,
        );
    }
    (Errno::check(result), [rdi, rsi, rdx, r10, r8])
}

/// Makes hypercall `NUMBER` with five arguments, whole.
///
/// # Errors
///
/// The hypervisor's.
///
/// # Safety
///
/// As for [`call`](super::call).
pub unsafe fn call_whole<const NUMBER: u32>(arguments: [u64; 5]) -> Result<u64, Errno> {
    // SAFETY: promised by the caller.
    unsafe { make::<NUMBER>(arguments) }.0
}

/// Makes hypercall `NUMBER - NO_RESTART` piece by piece; calls `between` each time it was cut.
///
/// # Errors
///
/// The hypervisor's, but not `EAGAIN`.
///
/// # Safety
///
/// As for [`call`](super::call), and what is left of the call must stay right in `between`.
pub unsafe fn call_in_pieces<const NUMBER: u32>(
    mut arguments: [u64; 5],
    mut between: impl FnMut(),
) -> Result<u64, Errno> {
    const { assert!(NUMBER & NO_RESTART != 0, "without the bit the call is never cut") };
    loop {
        // SAFETY: promised by the caller.
        let (result, left) = unsafe { make::<NUMBER>(arguments) };
        if result != Err(Errno(errno::EAGAIN)) {
            return result;
        }
        arguments = left;
        between();
    }
}
