//! The sub-operations of `grant_table_op`, and the first version of the grant table.
//!
//! Source: `xen/grant_table.h`. A grant reference and a grant handle are `u32`.

use core::mem::offset_of;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Maps granted pages; takes [`MapGrantRef`]s.
#[doc(alias = "GNTTABOP_map_grant_ref")]
pub const MAP_GRANT_REF: u32 = 0;

/// Unmaps granted pages; takes [`UnmapGrantRef`]s.
#[doc(alias = "GNTTABOP_unmap_grant_ref")]
pub const UNMAP_GRANT_REF: u32 = 1;

/// Grows the table and lists its frames; takes a [`SetupTable`].
#[doc(alias = "GNTTABOP_setup_table")]
pub const SETUP_TABLE: u32 = 2;

/// Prints a domain's table; takes a [`DumpTable`].
#[doc(alias = "GNTTABOP_dump_table")]
pub const DUMP_TABLE: u32 = 3;

/// Gives pages away; takes [`Transfer`]s.
#[doc(alias = "GNTTABOP_transfer")]
pub const TRANSFER: u32 = 4;

/// Copies between granted pages; takes [`struct@Copy`]s.
#[doc(alias = "GNTTABOP_copy")]
pub const COPY: u32 = 5;

/// Tells the table's size; takes a [`QuerySize`].
#[doc(alias = "GNTTABOP_query_size")]
pub const QUERY_SIZE: u32 = 6;

/// Unmaps a page and puts another mapping there; takes [`UnmapAndReplace`]s.
#[doc(alias = "GNTTABOP_unmap_and_replace")]
pub const UNMAP_AND_REPLACE: u32 = 7;

/// Chooses the table's format; takes a [`SetVersion`].
#[doc(alias = "GNTTABOP_set_version")]
pub const SET_VERSION: u32 = 8;

/// Lists the status frames of version 2.
#[doc(alias = "GNTTABOP_get_status_frames")]
pub const GET_STATUS_FRAMES: u32 = 9;

/// Tells a table's format; takes a [`Version`].
#[doc(alias = "GNTTABOP_get_version")]
pub const GET_VERSION: u32 = 10;

/// Swaps two entries.
#[doc(alias = "GNTTABOP_swap_grant_ref")]
pub const SWAP_GRANT_REF: u32 = 11;

/// Flushes caches of a granted page.
#[doc(alias = "GNTTABOP_cache_flush")]
pub const CACHE_FLUSH: u32 = 12;

/// Entries at the start of the table that have a fixed use.
#[doc(alias = "GNTTAB_NR_RESERVED_ENTRIES")]
pub const NR_RESERVED_ENTRIES: u32 = 8;

/// The entry of the console page.
#[doc(alias = "GNTTAB_RESERVED_CONSOLE")]
pub const RESERVED_CONSOLE: u32 = 0;

/// The entry of the xenstore page.
#[doc(alias = "GNTTAB_RESERVED_XENSTORE")]
pub const RESERVED_XENSTORE: u32 = 1;

/// Type of an entry: unused.
#[doc(alias = "GTF_invalid")]
pub const GTF_INVALID: u16 = 0;

/// Type of an entry: the other domain may map or copy the frame.
#[doc(alias = "GTF_permit_access")]
pub const GTF_PERMIT_ACCESS: u16 = 1;

/// Type of an entry: the other domain may give a frame.
#[doc(alias = "GTF_accept_transfer")]
pub const GTF_ACCEPT_TRANSFER: u16 = 2;

/// Type of an entry: passes on another grant.
#[doc(alias = "GTF_transitive")]
pub const GTF_TRANSITIVE: u16 = 3;

/// Bits of the type.
#[doc(alias = "GTF_type_mask")]
pub const GTF_TYPE_MASK: u16 = 3;

/// Flag: read access only.
#[doc(alias = "GTF_readonly")]
pub const GTF_READONLY: u16 = 1 << 2;

/// Flag: the frame is mapped for reading; set by the hypervisor.
#[doc(alias = "GTF_reading")]
pub const GTF_READING: u16 = 1 << 3;

/// Flag: the frame is mapped for writing; set by the hypervisor.
#[doc(alias = "GTF_writing")]
pub const GTF_WRITING: u16 = 1 << 4;

/// Flag: page-level write-through.
pub const GTF_PWT: u16 = 1 << 5;

/// Flag: page-level cache disable.
pub const GTF_PCD: u16 = 1 << 6;

/// Flag: page attribute table.
pub const GTF_PAT: u16 = 1 << 7;

/// Flag: only a part of the frame is granted.
#[doc(alias = "GTF_sub_page")]
pub const GTF_SUB_PAGE: u16 = 1 << 8;

/// Flag of a transfer: it will happen.
#[doc(alias = "GTF_transfer_committed")]
pub const GTF_TRANSFER_COMMITTED: u16 = 1 << 2;

/// Flag of a transfer: it has happened.
#[doc(alias = "GTF_transfer_completed")]
pub const GTF_TRANSFER_COMPLETED: u16 = 1 << 3;

/// Flag of a mapping: for devices.
#[doc(alias = "GNTMAP_device_map")]
pub const MAP_DEVICE_MAP: u32 = 1 << 0;

/// Flag of a mapping: for the CPU.
#[doc(alias = "GNTMAP_host_map")]
pub const MAP_HOST_MAP: u32 = 1 << 1;

/// Flag of a mapping: read only.
#[doc(alias = "GNTMAP_readonly")]
pub const MAP_READONLY: u32 = 1 << 2;

/// Flag of a mapping: for user mode.
#[doc(alias = "GNTMAP_application_map")]
pub const MAP_APPLICATION_MAP: u32 = 1 << 3;

/// Flag of a mapping: `host_addr` is the machine address of a page-table entry.
#[doc(alias = "GNTMAP_contains_pte")]
pub const MAP_CONTAINS_PTE: u32 = 1 << 4;

/// Flags of a mapping: what goes into the available bits of the entry.
#[doc(alias = "GNTMAP_guest_avail_mask")]
pub const MAP_GUEST_AVAIL_MASK: u32 = 0xffff_0000;

/// Flag of a copy: the source is a grant reference.
#[doc(alias = "GNTCOPY_source_gref")]
pub const COPY_SOURCE_GREF: u16 = 1 << 0;

/// Flag of a copy: the destination is a grant reference.
#[doc(alias = "GNTCOPY_dest_gref")]
pub const COPY_DEST_GREF: u16 = 1 << 1;

/// Status: done.
#[doc(alias = "GNTST_okay")]
pub const OKAY: i16 = 0;

/// Status: no closer description.
#[doc(alias = "GNTST_general_error")]
pub const GENERAL_ERROR: i16 = -1;

/// Status: no such domain.
#[doc(alias = "GNTST_bad_domain")]
pub const BAD_DOMAIN: i16 = -2;

/// Status: no such grant, or not for the caller.
#[doc(alias = "GNTST_bad_gntref")]
pub const BAD_GNTREF: i16 = -3;

/// Status: no such mapping.
#[doc(alias = "GNTST_bad_handle")]
pub const BAD_HANDLE: i16 = -4;

/// Status: an address cannot be used.
#[doc(alias = "GNTST_bad_virt_addr")]
pub const BAD_VIRT_ADDR: i16 = -5;

/// Status: a device address cannot be used.
#[doc(alias = "GNTST_bad_dev_addr")]
pub const BAD_DEV_ADDR: i16 = -6;

/// Status: the I/O translation is full.
#[doc(alias = "GNTST_no_device_space")]
pub const NO_DEVICE_SPACE: i16 = -7;

/// Status: not permitted.
#[doc(alias = "GNTST_permission_denied")]
pub const PERMISSION_DENIED: i16 = -8;

/// Status: the frame cannot be used.
#[doc(alias = "GNTST_bad_page")]
pub const BAD_PAGE: i16 = -9;

/// Status: a copy crosses a page.
#[doc(alias = "GNTST_bad_copy_arg")]
pub const BAD_COPY_ARG: i16 = -10;

/// Status: a frame number is too high for the receiver.
#[doc(alias = "GNTST_address_too_big")]
pub const ADDRESS_TOO_BIG: i16 = -11;

/// Status: try again.
#[doc(alias = "GNTST_eagain")]
pub const EAGAIN: i16 = -12;

/// Status: out of space.
#[doc(alias = "GNTST_no_space")]
pub const NO_SPACE: i16 = -13;

/// An entry of the table.
#[doc(alias = "grant_entry_v1")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct EntryV1 {
    /// `GTF_*` type and flags.
    pub flags: u16,
    /// The domain to which it is granted.
    pub domid: u16,
    /// The frame.
    pub frame: u32,
}
const _: () = assert!(size_of::<EntryV1>() == 8);
const _: () = assert!(offset_of!(EntryV1, domid) == 2);
const _: () = assert!(offset_of!(EntryV1, frame) == 4);

/// Argument of [`MAP_GRANT_REF`].
#[doc(alias = "gnttab_map_grant_ref")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct MapGrantRef {
    /// Where to map, or which entry to write.
    pub host_addr: u64,
    /// `MAP_*` flags.
    pub flags: u32,
    /// The grant.
    #[doc(alias = "ref")]
    pub reference: u32,
    /// The domain that granted.
    pub dom: u16,
    /// Out: the status.
    pub status: i16,
    /// Out: the mapping's handle.
    pub handle: u32,
    /// Out: the machine address of the frame.
    pub dev_bus_addr: u64,
}
const _: () = assert!(size_of::<MapGrantRef>() == 32);
const _: () = assert!(offset_of!(MapGrantRef, flags) == 8);
const _: () = assert!(offset_of!(MapGrantRef, reference) == 12);
const _: () = assert!(offset_of!(MapGrantRef, dom) == 16);
const _: () = assert!(offset_of!(MapGrantRef, status) == 18);
const _: () = assert!(offset_of!(MapGrantRef, handle) == 20);
const _: () = assert!(offset_of!(MapGrantRef, dev_bus_addr) == 24);

/// Argument of [`UNMAP_GRANT_REF`].
#[doc(alias = "gnttab_unmap_grant_ref")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct UnmapGrantRef {
    /// What to unmap.
    pub host_addr: u64,
    /// The device mapping to unmap, or 0.
    pub dev_bus_addr: u64,
    /// The mapping's handle.
    pub handle: u32,
    /// Out: the status.
    pub status: i16,
    /// Padding.
    pub padding: u16,
}
const _: () = assert!(size_of::<UnmapGrantRef>() == 24);
const _: () = assert!(offset_of!(UnmapGrantRef, dev_bus_addr) == 8);
const _: () = assert!(offset_of!(UnmapGrantRef, handle) == 16);
const _: () = assert!(offset_of!(UnmapGrantRef, status) == 20);

/// Argument of [`SETUP_TABLE`].
#[doc(alias = "gnttab_setup_table")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct SetupTable {
    /// The domain.
    pub dom: u16,
    /// Padding.
    pub padding0: u16,
    /// Frames wanted.
    pub nr_frames: u32,
    /// Out: the status.
    pub status: i16,
    /// Padding.
    pub padding1: [u16; 3],
    /// Address of an array for the frame numbers.
    pub frame_list: u64,
}
const _: () = assert!(size_of::<SetupTable>() == 24);
const _: () = assert!(offset_of!(SetupTable, nr_frames) == 4);
const _: () = assert!(offset_of!(SetupTable, status) == 8);
const _: () = assert!(offset_of!(SetupTable, frame_list) == 16);

/// Argument of [`DUMP_TABLE`].
#[doc(alias = "gnttab_dump_table")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct DumpTable {
    /// The domain.
    pub dom: u16,
    /// Out: the status.
    pub status: i16,
}
const _: () = assert!(size_of::<DumpTable>() == 4);
const _: () = assert!(offset_of!(DumpTable, status) == 2);

/// Argument of [`TRANSFER`].
#[doc(alias = "gnttab_transfer")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Transfer {
    /// The frame to give.
    pub mfn: u64,
    /// The domain that gets it.
    pub domid: u16,
    /// Padding.
    pub padding0: u16,
    /// The entry by which it accepts.
    #[doc(alias = "ref")]
    pub reference: u32,
    /// Out: the status.
    pub status: i16,
    /// Padding.
    pub padding1: [u16; 3],
}
const _: () = assert!(size_of::<Transfer>() == 24);
const _: () = assert!(offset_of!(Transfer, domid) == 8);
const _: () = assert!(offset_of!(Transfer, reference) == 12);
const _: () = assert!(offset_of!(Transfer, status) == 16);

/// One side of a [`struct@Copy`].
#[doc(alias = "gnttab_copy_ptr")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct CopyPtr {
    /// The frame, or the grant reference in the low 32 bits.
    #[doc(alias = "u")]
    #[doc(alias = "u.gmfn")]
    pub frame: u64,
    /// The domain.
    pub domid: u16,
    /// Offset in the page.
    pub offset: u16,
    /// Padding.
    pub padding: u32,
}
const _: () = assert!(size_of::<CopyPtr>() == 16);
const _: () = assert!(offset_of!(CopyPtr, domid) == 8);
const _: () = assert!(offset_of!(CopyPtr, offset) == 10);

/// Argument of [`COPY`].
#[doc(alias = "gnttab_copy")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Copy {
    /// From where.
    pub source: CopyPtr,
    /// To where.
    pub dest: CopyPtr,
    /// Bytes.
    pub len: u16,
    /// `COPY_*` flags.
    pub flags: u16,
    /// Out: the status.
    pub status: i16,
    /// Padding.
    pub padding: u16,
}
const _: () = assert!(size_of::<Copy>() == 40);
const _: () = assert!(offset_of!(Copy, dest) == 16);
const _: () = assert!(offset_of!(Copy, len) == 32);
const _: () = assert!(offset_of!(Copy, flags) == 34);
const _: () = assert!(offset_of!(Copy, status) == 36);

/// Argument of [`QUERY_SIZE`].
#[doc(alias = "gnttab_query_size")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct QuerySize {
    /// The domain.
    pub dom: u16,
    /// Padding.
    pub padding0: u16,
    /// Out: frames of the table.
    pub nr_frames: u32,
    /// Out: frames that it may have.
    pub max_nr_frames: u32,
    /// Out: the status.
    pub status: i16,
    /// Padding.
    pub padding1: u16,
}
const _: () = assert!(size_of::<QuerySize>() == 16);
const _: () = assert!(offset_of!(QuerySize, nr_frames) == 4);
const _: () = assert!(offset_of!(QuerySize, max_nr_frames) == 8);
const _: () = assert!(offset_of!(QuerySize, status) == 12);

/// Argument of [`UNMAP_AND_REPLACE`].
#[doc(alias = "gnttab_unmap_and_replace")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct UnmapAndReplace {
    /// What to unmap.
    pub host_addr: u64,
    /// The address whose mapping takes its place.
    pub new_addr: u64,
    /// The mapping's handle.
    pub handle: u32,
    /// Out: the status.
    pub status: i16,
    /// Padding.
    pub padding: u16,
}
const _: () = assert!(size_of::<UnmapAndReplace>() == 24);
const _: () = assert!(offset_of!(UnmapAndReplace, new_addr) == 8);
const _: () = assert!(offset_of!(UnmapAndReplace, handle) == 16);
const _: () = assert!(offset_of!(UnmapAndReplace, status) == 20);

/// Argument of [`SET_VERSION`].
#[doc(alias = "gnttab_set_version")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct SetVersion {
    /// In and out: the format, 1 or 2.
    pub version: u32,
}
const _: () = assert!(size_of::<SetVersion>() == 4);

/// Argument of [`GET_VERSION`].
#[doc(alias = "gnttab_get_version")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Version {
    /// The domain.
    pub dom: u16,
    /// Not used.
    pub pad: u16,
    /// Out: the format.
    pub version: u32,
}
const _: () = assert!(size_of::<Version>() == 8);
const _: () = assert!(offset_of!(Version, pad) == 2);
const _: () = assert!(offset_of!(Version, version) == 4);
