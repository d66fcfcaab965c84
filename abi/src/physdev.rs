//! The sub-operations of `physdev_op` that an ordinary domain may meet.
//!
//! Source: `xen/physdev.h`.

use core::mem::offset_of;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Asks about a physical interrupt; takes an [`IrqStatusQuery`].
#[doc(alias = "PHYSDEVOP_irq_status_query")]
pub const IRQ_STATUS_QUERY: u32 = 5;

/// Sets the I/O privilege level; takes a [`SetIopl`].
#[doc(alias = "PHYSDEVOP_set_iopl")]
pub const SET_IOPL: u32 = 6;

/// Sets the I/O permission bitmap; takes a [`SetIobitmap`].
#[doc(alias = "PHYSDEVOP_set_iobitmap")]
pub const SET_IOBITMAP: u32 = 7;

/// Ends a physical interrupt; takes an [`Eoi`].
#[doc(alias = "PHYSDEVOP_eoi")]
pub const EOI: u32 = 12;

/// Maps a physical interrupt.
#[doc(alias = "PHYSDEVOP_map_pirq")]
pub const MAP_PIRQ: u32 = 13;

/// Unmaps a physical interrupt.
#[doc(alias = "PHYSDEVOP_unmap_pirq")]
pub const UNMAP_PIRQ: u32 = 14;

/// Registers a page of flags for [`EOI`], unmasking itself; takes a [`PirqEoiGmfn`].
#[doc(alias = "PHYSDEVOP_pirq_eoi_gmfn_v1")]
pub const PIRQ_EOI_GMFN_V1: u32 = 17;

/// Registers a page of flags for [`EOI`]; takes a [`PirqEoiGmfn`].
#[doc(alias = "PHYSDEVOP_pirq_eoi_gmfn_v2")]
pub const PIRQ_EOI_GMFN_V2: u32 = 28;

/// Flag of [`IrqStatusQuery`]: [`EOI`] is needed.
#[doc(alias = "XENIRQSTAT_needs_eoi")]
pub const IRQSTAT_NEEDS_EOI: u32 = 1 << 0;

/// Flag of [`IrqStatusQuery`]: other domains share the interrupt.
#[doc(alias = "XENIRQSTAT_shared")]
pub const IRQSTAT_SHARED: u32 = 1 << 1;

/// Argument of [`IRQ_STATUS_QUERY`].
#[doc(alias = "physdev_irq_status_query")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct IrqStatusQuery {
    /// The interrupt.
    pub irq: u32,
    /// Out: `IRQSTAT_*` flags.
    pub flags: u32,
}
const _: () = assert!(size_of::<IrqStatusQuery>() == 8);
const _: () = assert!(offset_of!(IrqStatusQuery, flags) == 4);

/// Argument of [`SET_IOPL`].
#[doc(alias = "physdev_set_iopl")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct SetIopl {
    /// The level, 0 to 3.
    pub iopl: u32,
}
const _: () = assert!(size_of::<SetIopl>() == 4);

/// Argument of [`SET_IOBITMAP`].
#[doc(alias = "physdev_set_iobitmap")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct SetIobitmap {
    /// Address of the bitmap.
    pub bitmap: u64,
    /// Ports that it covers.
    pub nr_ports: u32,
    /// Padding.
    pub padding: u32,
}
const _: () = assert!(size_of::<SetIobitmap>() == 16);
const _: () = assert!(offset_of!(SetIobitmap, nr_ports) == 8);

/// Argument of [`EOI`].
#[doc(alias = "physdev_eoi")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Eoi {
    /// The interrupt.
    pub irq: u32,
}
const _: () = assert!(size_of::<Eoi>() == 4);

/// Argument of [`PIRQ_EOI_GMFN_V2`].
#[doc(alias = "physdev_pirq_eoi_gmfn")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct PirqEoiGmfn {
    /// Frame of the page of flags.
    pub gmfn: u64,
}
const _: () = assert!(size_of::<PirqEoiGmfn>() == 8);
