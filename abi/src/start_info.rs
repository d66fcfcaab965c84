//! The page that tells a guest kernel, at entry, what it was given.
//!
//! Source: `xen/xen.h`. The address of the page is in rsi at entry.

use core::mem::offset_of;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// What [`StartInfo::magic`] starts with, before a NUL, in an ordinary domain.
pub const MAGIC: &[u8] = b"xen-3.0-x86_64";

/// Bytes of the command line with its NUL.
pub const MAX_GUEST_CMDLINE: usize = 1024;

/// The domain is privileged.
pub const SIF_PRIVILEGED: u32 = 1 << 0;

/// The domain is the control domain.
pub const SIF_INITDOMAIN: u32 = 1 << 1;

/// `mod_start` is the address of a list of multiboot modules.
pub const SIF_MULTIBOOT_MOD: u32 = 1 << 2;

/// `mod_start` is a frame number.
pub const SIF_MOD_START_PFN: u32 = 1 << 3;

/// The tools understand a physical-to-machine list by virtual address.
pub const SIF_VIRT_P2M_4TOOLS: u32 = 1 << 4;

/// Power-management options.
pub const SIF_PM_MASK: u32 = 0xff << 8;

/// The start-of-day record.
#[doc(alias = "start_info")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct StartInfo {
    /// [`MAGIC`], NUL-terminated.
    pub magic: [u8; 32],
    /// Pages of memory.
    pub nr_pages: u64,
    /// Machine address of the [`crate::shared_info::SharedInfo`] page.
    pub shared_info: u64,
    /// `SIF_*` flags.
    pub flags: u32,
    /// Padding.
    pub padding0: u32,
    /// Frame of the xenstore page.
    pub store_mfn: u64,
    /// Port of xenstore.
    pub store_evtchn: u32,
    /// Padding.
    pub padding1: u32,
    /// Frame of the console page.
    #[doc(alias = "console.domU.mfn")]
    pub console_mfn: u64,
    /// Port of the console.
    #[doc(alias = "console.domU.evtchn")]
    pub console_evtchn: u32,
    /// Padding.
    pub padding2: u32,
    /// Virtual address of the top-level page table.
    pub pt_base: u64,
    /// Frames of the initial page tables.
    pub nr_pt_frames: u64,
    /// Virtual address of the physical-to-machine list.
    pub mfn_list: u64,
    /// Virtual address of the module, or its frame under [`SIF_MOD_START_PFN`].
    pub mod_start: u64,
    /// Bytes of the module.
    pub mod_len: u64,
    /// The command line.
    pub cmd_line: [u8; MAX_GUEST_CMDLINE],
    /// First frame of a physical-to-machine list outside the initial mapping.
    pub first_p2m_pfn: u64,
    /// Frames of that list.
    pub nr_p2m_frames: u64,
}
const _: () = assert!(size_of::<StartInfo>() == 1168);
const _: () = assert!(offset_of!(StartInfo, nr_pages) == 32);
const _: () = assert!(offset_of!(StartInfo, shared_info) == 40);
const _: () = assert!(offset_of!(StartInfo, flags) == 48);
const _: () = assert!(offset_of!(StartInfo, store_mfn) == 56);
const _: () = assert!(offset_of!(StartInfo, store_evtchn) == 64);
const _: () = assert!(offset_of!(StartInfo, console_mfn) == 72);
const _: () = assert!(offset_of!(StartInfo, console_evtchn) == 80);
const _: () = assert!(offset_of!(StartInfo, pt_base) == 88);
const _: () = assert!(offset_of!(StartInfo, nr_pt_frames) == 96);
const _: () = assert!(offset_of!(StartInfo, mfn_list) == 104);
const _: () = assert!(offset_of!(StartInfo, mod_start) == 112);
const _: () = assert!(offset_of!(StartInfo, mod_len) == 120);
const _: () = assert!(offset_of!(StartInfo, cmd_line) == 128);
const _: () = assert!(offset_of!(StartInfo, first_p2m_pfn) == 1152);
const _: () = assert!(offset_of!(StartInfo, nr_p2m_frames) == 1160);
