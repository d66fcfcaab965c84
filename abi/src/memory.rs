//! The sub-operations of `memory_op`.
//!
//! Source: `xen/memory.h`; the entry of a memory map is that of the BIOS call INT 15h, E820h.

use core::mem::offset_of;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Adds extents of memory; takes a [`Reservation`] and returns extents done.
#[doc(alias = "XENMEM_increase_reservation")]
pub const INCREASE_RESERVATION: u32 = 0;

/// Gives back extents of memory; takes a [`Reservation`] and returns extents done.
#[doc(alias = "XENMEM_decrease_reservation")]
pub const DECREASE_RESERVATION: u32 = 1;

/// Returns the highest frame of the machine; no argument.
#[doc(alias = "XENMEM_maximum_ram_page")]
pub const MAXIMUM_RAM_PAGE: u32 = 2;

/// Returns the pages that a domain has; takes a [`Domain`].
#[doc(alias = "XENMEM_current_reservation")]
pub const CURRENT_RESERVATION: u32 = 3;

/// Returns the pages that a domain may have; takes a [`Domain`].
#[doc(alias = "XENMEM_maximum_reservation")]
pub const MAXIMUM_RESERVATION: u32 = 4;

/// Lists the frames of the machine-to-physical table; takes a [`MachphysMfnList`].
#[doc(alias = "XENMEM_machphys_mfn_list")]
pub const MACHPHYS_MFN_LIST: u32 = 5;

/// Puts memory at given frames; takes a [`Reservation`] and returns extents done.
#[doc(alias = "XENMEM_populate_physmap")]
pub const POPULATE_PHYSMAP: u32 = 6;

/// Puts a special page at a frame; takes an [`AddToPhysmap`].
#[doc(alias = "XENMEM_add_to_physmap")]
pub const ADD_TO_PHYSMAP: u32 = 7;

/// Lists the domain's memory at start; takes a [`MemoryMap`].
#[doc(alias = "XENMEM_memory_map")]
pub const MEMORY_MAP: u32 = 9;

/// Lists the machine's memory; takes a [`MemoryMap`], for a privileged domain.
#[doc(alias = "XENMEM_machine_memory_map")]
pub const MACHINE_MEMORY_MAP: u32 = 10;

/// Exchanges extents for others; takes an [`Exchange`].
#[doc(alias = "XENMEM_exchange")]
pub const EXCHANGE: u32 = 11;

/// Says where the machine-to-physical table is; fills a [`MachphysMapping`].
#[doc(alias = "XENMEM_machphys_mapping")]
pub const MACHPHYS_MAPPING: u32 = 12;

/// Sets a domain's memory map; takes a [`ForeignMemoryMap`].
#[doc(alias = "XENMEM_set_memory_map")]
pub const SET_MEMORY_MAP: u32 = 13;

/// Returns the highest guest frame in use; takes a [`Domain`].
#[doc(alias = "XENMEM_maximum_gpfn")]
pub const MAXIMUM_GPFN: u32 = 14;

/// Takes away the page at a frame; takes a [`RemoveFromPhysmap`].
#[doc(alias = "XENMEM_remove_from_physmap")]
pub const REMOVE_FROM_PHYSMAP: u32 = 15;

/// Sets a populate-on-demand target.
#[doc(alias = "XENMEM_set_pod_target")]
pub const SET_POD_TARGET: u32 = 16;

/// Reads a populate-on-demand target.
#[doc(alias = "XENMEM_get_pod_target")]
pub const GET_POD_TARGET: u32 = 17;

/// The batched form of [`ADD_TO_PHYSMAP`].
#[doc(alias = "XENMEM_add_to_physmap_batch")]
pub const ADD_TO_PHYSMAP_BATCH: u32 = 23;

/// Like [`MACHPHYS_MFN_LIST`], for the table of 32-bit guests.
#[doc(alias = "XENMEM_machphys_compat_mfn_list")]
pub const MACHPHYS_COMPAT_MFN_LIST: u32 = 25;

/// Describes the domain's virtual NUMA nodes.
#[doc(alias = "XENMEM_get_vnumainfo")]
pub const GET_VNUMAINFO: u32 = 26;

/// Maps a hypervisor resource of another domain.
#[doc(alias = "XENMEM_acquire_resource")]
pub const ACQUIRE_RESOURCE: u32 = 28;

/// Flag of [`Reservation`]: fill only when touched.
#[doc(alias = "XENMEMF_populate_on_demand")]
pub const MEMF_POPULATE_ON_DEMAND: u32 = 1 << 16;

/// Flag of [`Reservation`]: only from the node that is named.
#[doc(alias = "XENMEMF_exact_node_request")]
pub const MEMF_EXACT_NODE_REQUEST: u32 = 1 << 17;

/// Flag of [`Reservation`]: the node is a virtual one.
#[doc(alias = "XENMEMF_vnode")]
pub const MEMF_VNODE: u32 = 1 << 18;

/// Space of [`AddToPhysmap`]: the shared page.
#[doc(alias = "XENMAPSPACE_shared_info")]
pub const MAPSPACE_SHARED_INFO: u32 = 0;

/// Space of [`AddToPhysmap`]: pages of the grant table.
#[doc(alias = "XENMAPSPACE_grant_table")]
pub const MAPSPACE_GRANT_TABLE: u32 = 1;

/// Space of [`AddToPhysmap`]: a guest frame.
#[doc(alias = "XENMAPSPACE_gmfn")]
pub const MAPSPACE_GMFN: u32 = 2;

/// Space of [`AddToPhysmap`]: a range of guest frames.
#[doc(alias = "XENMAPSPACE_gmfn_range")]
pub const MAPSPACE_GMFN_RANGE: u32 = 3;

/// Space of the batched form: a frame of another domain.
#[doc(alias = "XENMAPSPACE_gmfn_foreign")]
pub const MAPSPACE_GMFN_FOREIGN: u32 = 4;

/// Bit of [`AddToPhysmap::idx`]: the status pages of the grant table.
#[doc(alias = "XENMAPIDX_grant_table_status")]
pub const MAPIDX_GRANT_TABLE_STATUS: u32 = 0x8000_0000;

/// Type of an [`E820Entry`]: memory.
pub const E820_RAM: u32 = 1;

/// Type of an [`E820Entry`]: reserved.
pub const E820_RESERVED: u32 = 2;

/// Type of an [`E820Entry`]: ACPI tables, reclaimable.
pub const E820_ACPI: u32 = 3;

/// Type of an [`E820Entry`]: ACPI non-volatile storage.
pub const E820_NVS: u32 = 4;

/// Type of an [`E820Entry`]: faulty.
pub const E820_UNUSABLE: u32 = 5;

/// A list of extents of memory.
#[doc(alias = "xen_memory_reservation")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Reservation {
    /// Address of an array of frame numbers, one for each extent.
    pub extent_start: u64,
    /// Number of extents.
    pub nr_extents: u64,
    /// An extent has 2 to this power pages, and that alignment.
    pub extent_order: u32,
    /// Address width in bits 0 to 7, node in bits 8 to 15, `MEMF_*` flags.
    pub mem_flags: u32,
    /// The domain.
    pub domid: u16,
    /// Padding.
    pub padding: [u16; 3],
}
const _: () = assert!(size_of::<Reservation>() == 32);
const _: () = assert!(offset_of!(Reservation, nr_extents) == 8);
const _: () = assert!(offset_of!(Reservation, extent_order) == 16);
const _: () = assert!(offset_of!(Reservation, mem_flags) == 20);
const _: () = assert!(offset_of!(Reservation, domid) == 24);

/// Argument of [`EXCHANGE`].
#[doc(alias = "xen_memory_exchange")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Exchange {
    /// The extents to give.
    #[doc(alias = "in")]
    pub input: Reservation,
    /// The extents to get.
    #[doc(alias = "out")]
    pub output: Reservation,
    /// In: zero; out: input extents exchanged.
    pub nr_exchanged: u64,
}
const _: () = assert!(size_of::<Exchange>() == 72);
const _: () = assert!(offset_of!(Exchange, output) == 32);
const _: () = assert!(offset_of!(Exchange, nr_exchanged) == 64);

/// The domain that a query is about.
#[doc(alias = "xen_memory_domain")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Domain {
    /// The domain.
    pub domid: u16,
}
const _: () = assert!(size_of::<Domain>() == 2);

/// Argument of [`MACHPHYS_MFN_LIST`].
#[doc(alias = "xen_machphys_mfn_list")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct MachphysMfnList {
    /// In: entries that fit.
    pub max_extents: u32,
    /// Padding.
    pub padding0: u32,
    /// Address of an array of frame numbers, one for each 2 MiB of the table.
    pub extent_start: u64,
    /// Out: entries written.
    pub nr_extents: u32,
    /// Padding.
    pub padding1: u32,
}
const _: () = assert!(size_of::<MachphysMfnList>() == 24);
const _: () = assert!(offset_of!(MachphysMfnList, extent_start) == 8);
const _: () = assert!(offset_of!(MachphysMfnList, nr_extents) == 16);

/// Result of [`MACHPHYS_MAPPING`].
#[doc(alias = "xen_machphys_mapping")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct MachphysMapping {
    /// First address of the table.
    pub v_start: u64,
    /// First address behind the table.
    pub v_end: u64,
    /// Highest frame that may be looked up.
    pub max_mfn: u64,
}
const _: () = assert!(size_of::<MachphysMapping>() == 24);
const _: () = assert!(offset_of!(MachphysMapping, v_end) == 8);
const _: () = assert!(offset_of!(MachphysMapping, max_mfn) == 16);

/// Argument of [`ADD_TO_PHYSMAP`].
#[doc(alias = "xen_add_to_physmap")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct AddToPhysmap {
    /// The domain.
    pub domid: u16,
    /// Pages, for [`MAPSPACE_GMFN_RANGE`].
    pub size: u16,
    /// One of the `MAPSPACE_*` spaces.
    pub space: u32,
    /// Which page of the space.
    pub idx: u64,
    /// The frame where it shall appear.
    pub gpfn: u64,
}
const _: () = assert!(size_of::<AddToPhysmap>() == 24);
const _: () = assert!(offset_of!(AddToPhysmap, size) == 2);
const _: () = assert!(offset_of!(AddToPhysmap, space) == 4);
const _: () = assert!(offset_of!(AddToPhysmap, idx) == 8);
const _: () = assert!(offset_of!(AddToPhysmap, gpfn) == 16);

/// Argument of [`REMOVE_FROM_PHYSMAP`].
#[doc(alias = "xen_remove_from_physmap")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct RemoveFromPhysmap {
    /// The domain.
    pub domid: u16,
    /// Padding.
    pub padding: [u16; 3],
    /// The frame.
    pub gpfn: u64,
}
const _: () = assert!(size_of::<RemoveFromPhysmap>() == 16);
const _: () = assert!(offset_of!(RemoveFromPhysmap, gpfn) == 8);

/// Argument of [`MEMORY_MAP`].
#[doc(alias = "xen_memory_map")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct MemoryMap {
    /// In: entries that fit; out: entries written.
    pub nr_entries: u32,
    /// Padding.
    pub padding: u32,
    /// Address of an array of [`E820Entry`].
    pub buffer: u64,
}
const _: () = assert!(size_of::<MemoryMap>() == 16);
const _: () = assert!(offset_of!(MemoryMap, buffer) == 8);

/// Argument of [`SET_MEMORY_MAP`].
#[doc(alias = "xen_foreign_memory_map")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct ForeignMemoryMap {
    /// The domain.
    pub domid: u16,
    /// Padding.
    pub padding: [u16; 3],
    /// Its map.
    pub map: MemoryMap,
}
const _: () = assert!(size_of::<ForeignMemoryMap>() == 24);
const _: () = assert!(offset_of!(ForeignMemoryMap, map) == 8);

/// One range of a memory map, in the BIOS's packed form of 20 bytes.
#[derive(
    Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C, packed)]
pub struct E820Entry {
    /// First byte of the range.
    pub addr: u64,
    /// Bytes of the range.
    pub size: u64,
    /// One of the `E820_*` types.
    pub type_: u32,
}
const _: () = assert!(size_of::<E820Entry>() == 20);
