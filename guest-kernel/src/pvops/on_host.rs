//! The operations on the host, where tests run: the protocol itself (`irq::flag`) on the record of the
//! first vCPU, which is memory, and for the rest what the processor has.

use x86_64::{VirtAddr, instructions::tlb, registers::control::Cr3};

use crate::{
    hypercall::sched,
    irq::{Flags, flag},
    shared_info::{self, VcpuWords},
    vcpu,
};

/// Returns the words of the vCPU that executes this.
#[inline]
fn current() -> VcpuWords {
    shared_info::of_vcpu(vcpu::current())
}

#[inline]
pub(crate) fn save_fl() -> Flags {
    flag::save(&current())
}

#[inline]
pub(crate) fn restore_fl(flags: Flags) {
    flag::restore(&current(), flags);
}

#[inline]
pub(crate) fn irq_disable() {
    flag::disable(&current());
}

#[inline]
pub(crate) fn irq_enable() {
    flag::enable(&current());
}

pub(crate) fn safe_halt() {
    if sched::block().is_err() {
        irq_enable();
    }
}

pub(crate) fn read_cr3() -> u64 {
    Cr3::read().0.start_address().as_u64()
}

pub(crate) fn flush_tlb_one(address: VirtAddr) {
    tlb::flush(address);
}

pub(crate) fn make_pte(value: u64) -> u64 {
    value
}

pub(crate) fn pte_val(entry: u64) -> u64 {
    entry
}

pub(crate) unsafe fn set_pte(at: *mut u64, entry: u64) {
    // SAFETY: promised by the caller.
    unsafe { at.write_volatile(entry) };
}
