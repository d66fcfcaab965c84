//! Operations that are hypercalls, with the registers of a call of C.

use x86_64::PhysAddr;

use crate::{
    hypercall::{mmu, sched},
    irq,
};

/// [`Op::SafeHalt`](super::Op::SafeHalt). Where the hypervisor cannot wait this only enables.
pub(super) extern "C" fn safe_halt() {
    if sched::block().is_err() {
        irq::irq_enable();
    }
}

/// [`Op::WriteCr3`](super::Op::WriteCr3). The hypervisor gives the table its slots (docs/abi.md,
/// "Address space"), without which no entry into the kernel would work.
///
/// # Panics
///
/// If the frame is not the domain's: there is no way on.
pub(super) extern "C" fn write_cr3(root: u64) {
    // SAFETY: the caller of the operation answers for the table.
    unsafe { mmu::new_base_pointer(PhysAddr::new_truncate(root)) }
        .expect("the top-level table is the domain's");
}
