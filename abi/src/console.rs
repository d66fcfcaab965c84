//! The sub-operations of `console_io`, and the console ring.
//!
//! Source: `xen/xen.h`, `xen/io/console.h`.

use core::mem::offset_of;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Writes bytes to the hypervisor's console.
#[doc(alias = "CONSOLEIO_write")]
pub const WRITE: u32 = 0;

/// Reads bytes that arrived at the hypervisor's console.
#[doc(alias = "CONSOLEIO_read")]
pub const READ: u32 = 1;

/// The page that a guest and its console share; indices run freely and wrap by the ring's size.
#[doc(alias = "xencons_interface")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct ConsoleInterface {
    /// Bytes for the guest.
    #[doc(alias = "in")]
    pub input: [u8; 1024],
    /// Bytes from the guest.
    #[doc(alias = "out")]
    pub output: [u8; 2048],
    /// Input consumed, written by the guest.
    pub in_cons: u32,
    /// Input produced, written by the console.
    pub in_prod: u32,
    /// Output consumed, written by the console.
    pub out_cons: u32,
    /// Output produced, written by the guest.
    pub out_prod: u32,
}
const _: () = assert!(size_of::<ConsoleInterface>() == 3088);
const _: () = assert!(offset_of!(ConsoleInterface, output) == 1024);
const _: () = assert!(offset_of!(ConsoleInterface, in_cons) == 3072);
const _: () = assert!(offset_of!(ConsoleInterface, in_prod) == 3076);
const _: () = assert!(offset_of!(ConsoleInterface, out_cons) == 3080);
const _: () = assert!(offset_of!(ConsoleInterface, out_prod) == 3084);
