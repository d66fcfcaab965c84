//! The ring by which a block device is used: requests, responses, and the page that both ends share.
//!
//! Source: `xen/io/blkif.h`, `xen/io/ring.h`. A grant reference is a `u32`. What the two ends find
//! out about each other in the store stands in [`crate::xenbus`].

use core::mem::offset_of;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Operation: sectors are read from the device.
#[doc(alias = "BLKIF_OP_READ")]
pub const OP_READ: u8 = 0;

/// Operation: sectors are written to the device.
#[doc(alias = "BLKIF_OP_WRITE")]
pub const OP_WRITE: u8 = 1;

/// Operation: sectors are written after all requests before and before all behind.
#[doc(alias = "BLKIF_OP_WRITE_BARRIER")]
pub const OP_WRITE_BARRIER: u8 = 2;

/// Operation: what has been written is made last.
#[doc(alias = "BLKIF_OP_FLUSH_DISKCACHE")]
pub const OP_FLUSH_DISKCACHE: u8 = 3;

/// Operation: a command packet of some systems.
#[doc(alias = "BLKIF_OP_RESERVED_1")]
pub const OP_RESERVED_1: u8 = 4;

/// Operation: sectors are not needed any more.
#[doc(alias = "BLKIF_OP_DISCARD")]
pub const OP_DISCARD: u8 = 5;

/// Operation: one whose segments are in pages of their own; takes a [`RequestIndirect`].
#[doc(alias = "BLKIF_OP_INDIRECT")]
pub const OP_INDIRECT: u8 = 6;

/// Segments of a [`Request`], at most.
#[doc(alias = "BLKIF_MAX_SEGMENTS_PER_REQUEST")]
pub const MAX_SEGMENTS_PER_REQUEST: usize = 11;

/// Pages with segments of a [`RequestIndirect`], at most.
#[doc(alias = "BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST")]
pub const MAX_INDIRECT_PAGES_PER_REQUEST: usize = 8;

/// Status: done.
#[doc(alias = "BLKIF_RSP_OKAY")]
pub const RSP_OKAY: i16 = 0;

/// Status: failed.
#[doc(alias = "BLKIF_RSP_ERROR")]
pub const RSP_ERROR: i16 = -1;

/// Status: there is no such operation.
#[doc(alias = "BLKIF_RSP_EOPNOTSUPP")]
pub const RSP_EOPNOTSUPP: i16 = -2;

/// Flag of a device: a CD-ROM.
pub const VDISK_CDROM: u32 = 1;

/// Flag of a device: its medium can be removed.
pub const VDISK_REMOVABLE: u32 = 2;

/// Flag of a device: it cannot be written.
pub const VDISK_READONLY: u32 = 4;

/// A part of a page: sectors of 512 bytes, both ends included.
#[doc(alias = "blkif_request_segment")]
#[derive(
    Clone, Copy, Debug, Default, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable,
)]
#[repr(C)]
pub struct Segment {
    /// The grant of the page.
    #[doc(alias = "gref")]
    pub reference: u32,
    /// First sector of the page.
    pub first_sect: u8,
    /// Last sector of the page.
    pub last_sect: u8,
    /// Padding.
    pub padding: u16,
}
const _: () = assert!(size_of::<Segment>() == 8);
const _: () = assert!(offset_of!(Segment, first_sect) == 4);
const _: () = assert!(offset_of!(Segment, last_sect) == 5);

/// A request that has its segments in itself.
#[doc(alias = "blkif_request")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Request {
    /// One of the `OP_*` values.
    pub operation: u8,
    /// How many segments there are.
    pub nr_segments: u8,
    /// The device.
    pub handle: u16,
    /// Padding.
    pub padding: u32,
    /// The guest's own; the response has it again.
    pub id: u64,
    /// First sector on the device.
    pub sector_number: u64,
    /// The segments.
    pub seg: [Segment; MAX_SEGMENTS_PER_REQUEST],
}
const _: () = assert!(size_of::<Request>() == 112);
const _: () = assert!(offset_of!(Request, id) == 8);
const _: () = assert!(offset_of!(Request, sector_number) == 16);
const _: () = assert!(offset_of!(Request, seg) == 24);

/// A request that has its segments in pages of their own, one behind the other.
#[doc(alias = "blkif_request_indirect")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct RequestIndirect {
    /// [`OP_INDIRECT`].
    pub operation: u8,
    /// [`OP_READ`] or [`OP_WRITE`].
    pub indirect_op: u8,
    /// How many segments there are.
    pub nr_segments: u16,
    /// Padding.
    pub padding0: u32,
    /// As in [`Request`].
    pub id: u64,
    /// As in [`Request`].
    pub sector_number: u64,
    /// As in [`Request`].
    pub handle: u16,
    /// Padding.
    pub padding1: u16,
    /// Grants of the pages.
    pub indirect_grefs: [u32; MAX_INDIRECT_PAGES_PER_REQUEST],
    /// Padding.
    pub padding2: u32,
}
const _: () = assert!(size_of::<RequestIndirect>() == 64);
const _: () = assert!(offset_of!(RequestIndirect, id) == 8);
const _: () = assert!(offset_of!(RequestIndirect, sector_number) == 16);
const _: () = assert!(offset_of!(RequestIndirect, handle) == 24);
const _: () = assert!(offset_of!(RequestIndirect, indirect_grefs) == 28);

/// What has come of a request.
#[doc(alias = "blkif_response")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Response {
    /// The request's.
    pub id: u64,
    /// The request's.
    pub operation: u8,
    /// Padding.
    pub padding0: u8,
    /// One of the `RSP_*` values.
    pub status: i16,
    /// Padding.
    pub padding1: u32,
}
const _: () = assert!(size_of::<Response>() == 16);
const _: () = assert!(offset_of!(Response, status) == 10);

/// The beginning of the page that both ends share. Indices run freely; behind it are the entries,
/// each a request or the response that takes its place.
#[doc(alias = "blkif_sring")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct SharedRing {
    /// Requests produced, written by the front end.
    pub req_prod: u32,
    /// The back end wants to be told when `req_prod` comes to this.
    pub req_event: u32,
    /// Responses produced, written by the back end.
    pub rsp_prod: u32,
    /// The front end wants to be told when `rsp_prod` comes to this.
    pub rsp_event: u32,
    /// Of other devices.
    #[doc(alias = "pvt")]
    pub private: [u8; 4],
    /// Nothing.
    #[doc(alias = "__pad")]
    pub unused: [u8; 44],
    /// The first entry.
    pub ring: [Request; 1],
}
const _: () = assert!(size_of::<SharedRing>() == 176);
const _: () = assert!(offset_of!(SharedRing, req_event) == 4);
const _: () = assert!(offset_of!(SharedRing, rsp_prod) == 8);
const _: () = assert!(offset_of!(SharedRing, rsp_event) == 12);
const _: () = assert!(offset_of!(SharedRing, ring) == 64);

/// Entries of a ring of one page.
#[doc(alias = "__CONST_RING_SIZE(blkif, 4096)")]
pub const RING_SIZE: u32 = 32;
