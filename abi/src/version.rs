//! The sub-operations of `xen_version`.
//!
//! Source: `xen/version.h`, `xen/xen-compat.h`.

use core::mem::offset_of;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The interface version of the headers that this crate follows: Xen 4.14 to 4.17.
#[doc(alias = "__XEN_LATEST_INTERFACE_VERSION__")]
pub const INTERFACE_VERSION: u32 = 0x0004_0e00;

/// Returns the version as major << 16, minor below; no argument.
#[doc(alias = "XENVER_version")]
pub const VERSION: u32 = 0;

/// Fills an [`ExtraVersion`].
#[doc(alias = "XENVER_extraversion")]
pub const EXTRAVERSION: u32 = 1;

/// Fills a [`CompileInfo`].
#[doc(alias = "XENVER_compile_info")]
pub const COMPILE_INFO: u32 = 2;

/// Fills a [`CapabilitiesInfo`].
#[doc(alias = "XENVER_capabilities")]
pub const CAPABILITIES: u32 = 3;

/// Fills a [`ChangesetInfo`].
#[doc(alias = "XENVER_changeset")]
pub const CHANGESET: u32 = 4;

/// Fills a [`PlatformParameters`].
#[doc(alias = "XENVER_platform_parameters")]
pub const PLATFORM_PARAMETERS: u32 = 5;

/// Fills a [`FeatureInfo`] for the submap it names.
#[doc(alias = "XENVER_get_features")]
pub const GET_FEATURES: u32 = 6;

/// Returns the page size in bytes; no argument.
#[doc(alias = "XENVER_pagesize")]
pub const PAGESIZE: u32 = 7;

/// Fills a [`crate::domain::Handle`] with the caller's identifier.
#[doc(alias = "XENVER_guest_handle")]
pub const GUEST_HANDLE: u32 = 8;

/// Fills a [`CommandLine`] with the hypervisor's own.
#[doc(alias = "XENVER_commandline")]
pub const COMMANDLINE: u32 = 9;

/// Fills a [`BuildId`], or returns the length when there is no argument.
#[doc(alias = "XENVER_build_id")]
pub const BUILD_ID: u32 = 10;

/// Who built the hypervisor, when and with what.
#[doc(alias = "xen_compile_info")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct CompileInfo {
    /// The compiler.
    pub compiler: [u8; 64],
    /// The user.
    pub compile_by: [u8; 16],
    /// The user's domain.
    pub compile_domain: [u8; 32],
    /// The date.
    pub compile_date: [u8; 32],
}
const _: () = assert!(size_of::<CompileInfo>() == 144);
const _: () = assert!(offset_of!(CompileInfo, compile_by) == 64);
const _: () = assert!(offset_of!(CompileInfo, compile_domain) == 80);
const _: () = assert!(offset_of!(CompileInfo, compile_date) == 112);

/// Where the hypervisor lives in every address space.
#[doc(alias = "xen_platform_parameters")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct PlatformParameters {
    /// The lowest address that belongs to the hypervisor.
    pub virt_start: u64,
}
const _: () = assert!(size_of::<PlatformParameters>() == 8);

/// One word of the feature bitmap; see [`crate::features`].
#[doc(alias = "xen_feature_info")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct FeatureInfo {
    /// In: which word of the bitmap is wanted.
    pub submap_idx: u32,
    /// Out: that word.
    pub submap: u32,
}
const _: () = assert!(size_of::<FeatureInfo>() == 8);
const _: () = assert!(offset_of!(FeatureInfo, submap) == 4);

/// The header of a build identifier, whose bytes follow it.
#[doc(alias = "xen_build_id")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct BuildId {
    /// In: bytes that fit behind the header.
    pub len: u32,
    /// Where those bytes start.
    pub buf: [u8; 0],
}
const _: () = assert!(size_of::<BuildId>() == 4);

/// The part of the version behind major and minor, with its own leading dot.
#[doc(alias = "xen_extraversion_t")]
pub type ExtraVersion = [u8; 16];

/// The kinds of guest that can run, separated by spaces.
#[doc(alias = "xen_capabilities_info_t")]
pub type CapabilitiesInfo = [u8; 1024];

/// The source revision.
#[doc(alias = "xen_changeset_info_t")]
pub type ChangesetInfo = [u8; 64];

/// The hypervisor's command line.
#[doc(alias = "xen_commandline_t")]
pub type CommandLine = [u8; 1024];
