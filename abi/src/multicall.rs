//! The entry of a `multicall` list.
//!
//! Source: `xen/xen.h`.

use core::mem::offset_of;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// One hypercall of a list.
#[doc(alias = "multicall_entry")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct MulticallEntry {
    /// The hypercall's number.
    pub op: u64,
    /// Out: its result.
    pub result: u64,
    /// Its arguments.
    pub args: [u64; 6],
}
const _: () = assert!(size_of::<MulticallEntry>() == 64);
const _: () = assert!(offset_of!(MulticallEntry, result) == 8);
const _: () = assert!(offset_of!(MulticallEntry, args) == 16);
