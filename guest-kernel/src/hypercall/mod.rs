//! Calls into the hypervisor: the instruction sequence here, one module per group of calls.
//!
//! A call is a near call into the hypercall page (`docs/abi.md`): arguments in RDI, RSI, RDX, R10
//! and R8, the result in RAX, negative for an error. The functions in this file are the only ones
//! that know this.

pub mod callback;
pub mod console;
pub mod debug_register;
mod error;
pub mod event_channel;
pub mod memory;
pub mod mmu;
pub mod nmi;
pub mod page;
pub mod physdev;
pub mod pieces;
pub mod sched;
pub mod segment;
pub mod task;
pub mod timer;
pub mod trap;
pub mod vcpu;
pub mod version;
pub mod vm_assist;
pub mod xenolith;

use core::arch::asm;

use x86_64::VirtAddr;

pub use error::Errno;

/// Makes hypercall `NUMBER` with up to three arguments.
///
/// # Errors
///
/// The hypervisor's.
///
/// # Safety
///
/// Every memory the call writes must be the caller's, and the call must not change what the rest
/// of the kernel relies on.
pub unsafe fn call<const NUMBER: u32>(arguments: [u64; 3]) -> Result<u64, Errno> {
    const { assert!(NUMBER < page::STUBS, "the hypercall page has no such stub") };
    let [rdi, rsi, rdx] = arguments;
    let result: u64;
    // SAFETY: the stub makes the hypercall and returns; the caller answers for its effects.
    unsafe {
        asm!(
            "call {stubs} + {number} * {stub_bytes}",
            stubs = sym page::stubs,
            number = const NUMBER,
            stub_bytes = const page::STUB_BYTES,
            lateout("rax") result,
            // Xen's debug builds overwrite the argument registers, used or not.
            inout("rdi") rdi => _,
            inout("rsi") rsi => _,
            inout("rdx") rdx => _,
            out("r10") _,
            out("r8") _,
        );
    }
    Errno::check(result)
}

/// Returns the address of an argument, as the hypervisor is told it.
fn address_of<T: ?Sized>(argument: *const T) -> u64 {
    VirtAddr::from_ptr(argument).as_u64()
}
