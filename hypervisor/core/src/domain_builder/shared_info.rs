//! The first contents of the page that a domain shares with the hypervisor.

use core::mem::offset_of;

use xenolith_abi::shared_info::{LEGACY_MAX_VCPUS, SharedInfo, VcpuInfo};
use zerocopy::{FromZeros, IntoBytes};

use super::guest_frames::{GuestFrames, append};
use crate::address::{Gpa, PAGE_SIZE};

const _: () = assert!(offset_of!(SharedInfo, vcpu_info) == 0);

/// Writes the page: nothing is pending, and the upcalls of every vCPU are masked.
pub(super) fn write(page: Gpa, memory: &mut impl GuestFrames) {
    memory.zero(page, PAGE_SIZE);
    let record = VcpuInfo { evtchn_upcall_mask: 1, ..VcpuInfo::new_zeroed() };
    (0..LEGACY_MAX_VCPUS).fold(page, |address, _| append(memory, address, record.as_bytes()));
}
