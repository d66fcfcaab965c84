//! The page that the hypervisor and a domain share, with its vCPU records and event bitmaps.
//!
//! Source: `xen/xen.h`, `xen/arch-x86/xen.h`, `xen/arch-x86/xen-x86_64.h`. Words that both
//! sides write are accessed as atomics by whoever maps the page; these types describe the layout.

use core::mem::offset_of;

use crate::time::VcpuTimeInfo;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// vCPU records in the page.
#[doc(alias = "XEN_LEGACY_MAX_VCPUS")]
pub const LEGACY_MAX_VCPUS: usize = 32;

/// The x86 part of a vCPU's record.
#[doc(alias = "arch_vcpu_info")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct ArchVcpuInfo {
    /// The address of the last page fault.
    pub cr2: u64,
    /// Not used.
    pub pad: u64,
}
const _: () = assert!(size_of::<ArchVcpuInfo>() == 16);
const _: () = assert!(offset_of!(ArchVcpuInfo, pad) == 8);

/// A vCPU's record.
#[doc(alias = "vcpu_info")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct VcpuInfo {
    /// Nonzero when an event waits; set by the hypervisor, cleared by the guest.
    pub evtchn_upcall_pending: u8,
    /// Nonzero while the guest takes no upcalls.
    pub evtchn_upcall_mask: u8,
    /// Padding.
    pub padding: [u8; 6],
    /// Which words of `evtchn_pending` to look at.
    pub evtchn_pending_sel: u64,
    /// The x86 part.
    pub arch: ArchVcpuInfo,
    /// The time record.
    pub time: VcpuTimeInfo,
}
const _: () = assert!(size_of::<VcpuInfo>() == 64);
const _: () = assert!(offset_of!(VcpuInfo, evtchn_upcall_mask) == 1);
const _: () = assert!(offset_of!(VcpuInfo, evtchn_pending_sel) == 8);
const _: () = assert!(offset_of!(VcpuInfo, arch) == 16);
const _: () = assert!(offset_of!(VcpuInfo, time) == 32);

/// The x86 part of the shared page; all but `nmi_reason` is written by the guest.
#[doc(alias = "arch_shared_info")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct ArchSharedInfo {
    /// Entries in the guest's physical-to-machine list.
    pub max_pfn: u64,
    /// Frame that holds the root of that list's tree.
    pub pfn_to_mfn_frame_list_list: u64,
    /// Why a non-maskable interrupt came; see [`crate::nmi`].
    pub nmi_reason: u64,
    /// Page table under which `p2m_vaddr` is valid, or 0.
    pub p2m_cr3: u64,
    /// Address of the linear physical-to-machine list.
    pub p2m_vaddr: u64,
    /// Odd while the list's mapping changes.
    pub p2m_generation: u64,
}
const _: () = assert!(size_of::<ArchSharedInfo>() == 48);
const _: () = assert!(offset_of!(ArchSharedInfo, pfn_to_mfn_frame_list_list) == 8);
const _: () = assert!(offset_of!(ArchSharedInfo, nmi_reason) == 16);
const _: () = assert!(offset_of!(ArchSharedInfo, p2m_cr3) == 24);
const _: () = assert!(offset_of!(ArchSharedInfo, p2m_vaddr) == 32);
const _: () = assert!(offset_of!(ArchSharedInfo, p2m_generation) == 40);

/// The shared page.
#[doc(alias = "shared_info")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct SharedInfo {
    /// The records of the first vCPUs.
    pub vcpu_info: [VcpuInfo; LEGACY_MAX_VCPUS],
    /// A bit for each port with an event.
    pub evtchn_pending: [u64; 64],
    /// A bit for each port that must not cause an upcall.
    pub evtchn_mask: [u64; 64],
    /// Odd while the wall clock is updated.
    pub wc_version: u32,
    /// Seconds since 1970 at system time 0, low half.
    pub wc_sec: u32,
    /// Nanoseconds beside them.
    pub wc_nsec: u32,
    /// Seconds since 1970, high half.
    pub wc_sec_hi: u32,
    /// The x86 part.
    pub arch: ArchSharedInfo,
}
const _: () = assert!(size_of::<SharedInfo>() == 3136);
const _: () = assert!(offset_of!(SharedInfo, evtchn_pending) == 2048);
const _: () = assert!(offset_of!(SharedInfo, evtchn_mask) == 2560);
const _: () = assert!(offset_of!(SharedInfo, wc_version) == 3072);
const _: () = assert!(offset_of!(SharedInfo, wc_sec) == 3076);
const _: () = assert!(offset_of!(SharedInfo, wc_nsec) == 3080);
const _: () = assert!(offset_of!(SharedInfo, wc_sec_hi) == 3084);
const _: () = assert!(offset_of!(SharedInfo, arch) == 3088);
