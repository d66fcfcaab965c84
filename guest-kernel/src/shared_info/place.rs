//! Where the words of each vCPU are: in the shared page at first, later where the kernel moves them.

use core::{
    mem::offset_of,
    ptr::null_mut,
    sync::atomic::{AtomicPtr, Ordering::Relaxed},
};

use x86_64::PhysAddr;
use xenolith_abi::shared_info::{LEGACY_MAX_VCPUS, SharedInfo as Layout, VcpuInfo};

use super::{PLACE, VcpuWords, field};
use crate::{
    hypercall::{self, Errno},
    static_pages::{PAGE_BYTES, StaticPages},
    vcpu::VcpuId,
};

/// The record each vCPU uses.
pub(crate) static RECORDS: [AtomicPtr<VcpuInfo>; LEGACY_MAX_VCPUS] = records_in_page();

const fn records_in_page() -> [AtomicPtr<VcpuInfo>; LEGACY_MAX_VCPUS] {
    let mut records = [const { AtomicPtr::new(null_mut()) }; LEGACY_MAX_VCPUS];
    let mut index = 0;
    while index < LEGACY_MAX_VCPUS {
        records[index] = AtomicPtr::new(record_in_page(index));
        index += 1;
    }
    records
}

const fn record_in_page(index: usize) -> *mut VcpuInfo {
    let records: *mut VcpuInfo = field(offset_of!(Layout, vcpu_info));
    records.wrapping_add(index)
}

/// Returns the words of a vCPU in the shared page.
pub(super) fn in_page(index: usize) -> VcpuWords {
    // SAFETY: the record is inside the page's place, where everything is accessed as atomics.
    unsafe { VcpuWords::at(record_in_page(index)) }
}

/// Returns the words that a vCPU uses now.
#[inline]
pub(super) fn of_vcpu(vcpu: VcpuId) -> VcpuWords {
    // SAFETY: the table holds records in the page's place, and those that `relocate` made sure of.
    unsafe { VcpuWords::at(RECORDS[vcpu.index()].load(Relaxed)) }
}

/// Moves the words of a vCPU to `offset` bytes into `place` (`VCPUOP_register_vcpu_info`).
///
/// The hypervisor copies what they hold, and makes an upcall due that may find no event.
/// `frame` is the guest-physical address of `place`.
///
/// # Errors
///
/// The hypervisor's: words move once at most, and must not cross the end of the page.
///
/// # Safety
///
/// `frame` must be the frame that `place` is mapped to, and nothing else may use `place`.
pub unsafe fn relocate(
    vcpu: VcpuId,
    place: &'static StaticPages<1>,
    frame: PhysAddr,
    offset: u32,
) -> Result<(), Errno> {
    let at = usize::try_from(offset).unwrap_or(usize::MAX);
    // An upcall between the move and the new address would look at the old words.
    let _guard = crate::irq::disable_for_now();
    // SAFETY: the caller gives the hypervisor this page for the record.
    unsafe { hypercall::vcpu::register_info(vcpu, frame, offset) }?;
    debug_assert!(at <= PAGE_BYTES - size_of::<VcpuInfo>(), "the hypervisor checks the offset");
    RECORDS[vcpu.index()].store(place.as_ptr().wrapping_add(at).cast(), Relaxed);
    // Sites of operations have the address in their instructions.
    #[cfg(target_os = "none")]
    crate::pvops::record_has_moved();
    Ok(())
}

// The place of the page is what `field` starts from.
const _: () = assert!(size_of::<Layout>() <= PLACE.bytes());
